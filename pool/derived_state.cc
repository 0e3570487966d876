#include "multiproc/pool/derived_state.h"

#include <functional>
#include <utility>

namespace multiproc {
namespace {

// A pool takes the states that it owns for its tasks: this stands between.
class CallbackOwner : public FutureOwner {
 public:
  explicit CallbackOwner(std::shared_ptr<FutureOwner> owner)
      : owner_(std::move(owner)) {}

  void Post(std::function<void()> callback) override {
    if (owner_ == nullptr) return callback();
    owner_->Post(std::move(callback));
  }

 private:
  const std::shared_ptr<FutureOwner> owner_;
};

}  // namespace

std::shared_ptr<FutureState> MakeDerivedState(
    std::shared_ptr<FutureOwner> owner) {
  return std::make_shared<FutureState>(
      std::make_shared<CallbackOwner>(std::move(owner)));
}

}  // namespace multiproc
