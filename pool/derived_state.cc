#include "multiproc/pool/derived_state.h"

#include <functional>
#include <utility>

namespace multiproc {
namespace {

// A pool takes the states that it owns for its tasks: this stands between.
class CallbackOwner : public FutureOwner {
 public:
  CallbackOwner(std::shared_ptr<FutureOwner> owner,
                std::function<bool()> cancel)
      : owner_(std::move(owner)), cancel_(std::move(cancel)) {}

  void Post(std::function<void()> callback) override {
    if (owner_ == nullptr) return callback();
    owner_->Post(std::move(callback));
  }

  bool Cancel(const std::shared_ptr<FutureState>&) override {
    return cancel_ != nullptr && cancel_();
  }

 private:
  const std::shared_ptr<FutureOwner> owner_;
  const std::function<bool()> cancel_;
};

}  // namespace

std::shared_ptr<FutureState> MakeDerivedState(
    std::shared_ptr<FutureOwner> owner, std::function<bool()> cancel) {
  return std::make_shared<FutureState>(
      std::make_shared<CallbackOwner>(std::move(owner), std::move(cancel)));
}

}  // namespace multiproc
