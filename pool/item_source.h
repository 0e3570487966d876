// The items of one or more ranges, packed as calls of a function, as many at a
// time as are wanted.
//
//   std::unique_ptr<ItemSource> source =
//       MakeItemSource<Arguments::kItems>(Square, OnError::kStop, numbers);
//   while (!source->AtEnd()) { ... source->Pack(limits) ... }
//
// Each item is read once, in order, and no sooner than it is packed: what a
// range needs is an iterator that can be read, stepped and compared with its
// end. It may be of one pass, move-only, and without an end.
//
// What is thrown by a range, or by the Codec of an item, is the end: the items
// before are packed all the same, and TakeThrown gives the exception.
//
// Not thread-safe.

#ifndef MULTIPROC_POOL_ITEM_SOURCE_H_
#define MULTIPROC_POOL_ITEM_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/base/config.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/pool/map_options.h"

namespace multiproc {

class ItemSource {
 public:
  struct Limits {
    // How many items, and where else to end: at so many bytes, unless it is one
    // item.
    size_t items = 1;
    size_t wanted_bytes = 0;
    size_t most_bytes = 0;
  };
  struct PackedItems {
    // Their call; or the error of one item that can't be packed.
    absl::StatusOr<PackedCall> call;
    // 0 only if the next item could not be read, as the range threw.
    uint32_t count = 0;
  };

  virtual ~ItemSource() = default;

  // Whether there are no more items. Takes the step to the next, if it is not
  // taken yet.
  virtual bool AtEnd() = 0;

  // Packs the next items, unless AtEnd.
  virtual PackedItems Pack(const Limits& limits) = 0;

  // What was thrown while items were read, once; null if nothing was.
  virtual std::exception_ptr TakeThrown() = 0;

  // How many items there were in all at the start, if the ranges know it.
  virtual std::optional<size_t> size() const = 0;
};

// What the arguments of a call are.
enum class Arguments {
  // One item of each range.
  kItems,
  // The parts of one item, a std::tuple, pair or array.
  kParts,
};

// ---- Nothing below needs to be read to use a source. ----

namespace item_source_internal {

using std::begin;
using std::end;
template <typename Range>
auto Begin(Range& range) -> decltype(begin(range)) {
  return begin(range);
}
template <typename Range>
auto End(Range& range) -> decltype(end(range)) {
  return end(range);
}

// Of a range that knows it: then the first is the better match for an int.
template <typename Range>
auto SizeOf(const Range& range, int)
    -> decltype(std::optional<size_t>(std::size(range))) {
  return std::size(range);
}
template <typename Range>
std::optional<size_t> SizeOf(const Range&, long) {
  return std::nullopt;
}

// Where one is in a range: `Range` is `T&` for one that lives elsewhere, `T`
// for one that is kept here.
template <typename Range>
class RangeCursor {
 public:
  explicit RangeCursor(Range&& range)
      : range_(std::forward<Range>(range)),
        size_(SizeOf(range_, 0)),
        next_(Begin(range_)),
        end_(End(range_)) {}

  RangeCursor(const RangeCursor&) = delete;
  RangeCursor& operator=(const RangeCursor&) = delete;

  // A step may wait for input, or cost much: it is taken when the item behind
  // it is wanted.
  bool AtEnd() {
    if (step_is_due_) ++next_;
    step_is_due_ = false;
    return !(next_ != end_);
  }
  decltype(auto) item() { return *next_; }
  void Advance() { step_is_due_ = true; }
  std::optional<size_t> size() const { return size_; }

 private:
  Range range_;
  const std::optional<size_t> size_;
  decltype(Begin(std::declval<Range&>())) next_;
  decltype(End(std::declval<Range&>())) end_;
  bool step_is_due_ = false;
};

// Several ranges side by side, up to the end of the shortest.
template <typename... Ranges>
class ItemsCursor {
 public:
  explicit ItemsCursor(Ranges&&... ranges)
      : cursors_(std::forward<Ranges>(ranges)...) {}

  bool AtEnd() {
    return std::apply([](auto&... c) { return (c.AtEnd() || ...); }, cursors_);
  }
  template <typename Visitor>
  void Visit(Visitor visit) {
    std::apply([&](auto&... c) { visit(c.item()...); }, cursors_);
  }
  void Advance() {
    std::apply([](auto&... c) { (c.Advance(), ...); }, cursors_);
  }
  std::optional<size_t> size() const {
    std::optional<size_t> least;
    const auto note = [&least](std::optional<size_t> size) {
      if (size.has_value() && (!least.has_value() || *size < *least)) {
        least = size;
      }
    };
    std::apply([&](const auto&... c) { (note(c.size()), ...); }, cursors_);
    return least;
  }

 private:
  std::tuple<RangeCursor<Ranges>...> cursors_;
};

// The parts of each item of one range.
template <typename Range>
class PartsCursor : public RangeCursor<Range> {
 public:
  using RangeCursor<Range>::RangeCursor;

  template <typename Visitor>
  void Visit(Visitor visit) {
    std::apply([&](const auto&... parts) { visit(parts...); }, this->item());
  }
};

template <typename Cursor, typename R, typename... P>
class CallSource : public ItemSource {
 public:
  template <typename... Ranges>
  CallSource(R (*fn)(P...), OnError on_error, Ranges&&... ranges)
      : function_(
            function_internal::FindRegistration(function_internal::KeyOf(fn))),
        on_error_(on_error),
        cursor_(std::forward<Ranges>(ranges)...) {}

  bool AtEnd() override {
    if (kept_.has_value() || !kept_error_.ok()) return false;
    bool at_end = true;
    if (!threw_) Guarded([&] { at_end = cursor_.AtEnd(); });
    return at_end;
  }

  std::exception_ptr TakeThrown() override {
    return std::exchange(thrown_, nullptr);
  }

  std::optional<size_t> size() const override { return cursor_.size(); }

  PackedItems Pack(const Limits& limits) override {
    if (!function_.ok()) return Skip(function_.status());
    PackedCall call;
    uint32_t count = 0;
    if (kept_.has_value()) {
      call.arguments = *std::exchange(kept_, std::nullopt);
      count = 1;
    }
    if (kept_error_.ok()) Read(limits, &call.arguments, &count);
    if (count == 0 && !kept_error_.ok()) {
      return {std::exchange(kept_error_, absl::OkStatus()), 1};
    }
    const bool continues = count > 1 && on_error_ == OnError::kContinue;
    call.function = continues ? (*function_)->continuing : *function_;
    return {std::move(call), count};
  }

 private:
  // Packs items behind the `*count` in `*arguments`, as far as `limits` allow.
  // One that was read and has no place there is kept for the next call.
  void Read(const Limits& limits, std::string* arguments, uint32_t* count) {
    Encoder encoder(arguments);
    while (*count == 0 ||
           (*count < limits.items && arguments->size() < limits.wanted_bytes)) {
      // Takes the step that is due.
      if (AtEnd()) return;
      const size_t before = arguments->size();
      Guarded([&] { Put(encoder); });
      if (!threw_) {
        cursor_.Advance();
        const bool fits = *count == 0 || arguments->size() <= limits.most_bytes;
        if (fits && encoder.status().ok()) {
          ++*count;
          continue;
        }
        kept_error_ = encoder.status();
        if (kept_error_.ok()) kept_ = arguments->substr(before);
      }
      arguments->resize(before);
      return;
    }
  }

  PackedItems Skip(const absl::Status& status) {
    const bool at_end = AtEnd();
    cursor_.Advance();
    return {status, at_end ? 0u : 1u};
  }

  template <typename Function>
  void Guarded(Function read) {
#ifdef ABSL_HAVE_EXCEPTIONS
    try {
      read();
    } catch (...) {
      threw_ = true;
      thrown_ = std::current_exception();
    }
#else
    read();
#endif
  }

  void Put(Encoder& encoder) {
    cursor_.Visit([&encoder](const auto&... args) {
      static_assert(sizeof...(P) == sizeof...(args),
                    "the function takes another number of arguments");
      static_assert((std::is_convertible_v<decltype(args),
                                           function_internal::Passed<P>> &&
                     ...),
                    "an item can't be converted to the parameter's type");
      encoder.template Put<function_internal::Stored<P>...>(
          function_internal::ToPacked<P>(args)...);
    });
  }

  const absl::StatusOr<const function_internal::Registration*> function_;
  const OnError on_error_;
  Cursor cursor_;
  // The next item, if it was read before: as it is packed, or why it can't be.
  std::optional<std::string> kept_;
  absl::Status kept_error_;
  bool threw_ = false;
  std::exception_ptr thrown_;
};

// One range for a function of several parameters is one of tuples.
template <Arguments kArguments, size_t kParameters, typename... Ranges>
constexpr bool TakesParts() {
  return kArguments == Arguments::kParts ||
         (sizeof...(Ranges) == 1 && kParameters != 1);
}

template <bool kParts, typename... Ranges>
struct CursorType {
  using type = ItemsCursor<Ranges...>;
};
template <typename Range>
struct CursorType<true, Range> {
  using type = PartsCursor<Range>;
};

template <typename Range>
struct KeptType {
  static_assert(!std::is_array_v<Range>,
                "an array can't be kept: pass a std::array, or std::ref(it)");
  using type = Range;
};
template <typename Range>
struct KeptType<std::reference_wrapper<Range>> {
  using type = Range&;
};

}  // namespace item_source_internal

// As what a range is kept that is passed as `Range&&`: moved or copied, but for
// one in std::ref.
template <typename Range>
using KeptRange = typename item_source_internal::KeptType<
    std::remove_cv_t<std::remove_reference_t<Range>>>::type;

// A source of calls of `fn` with the items of `ranges`, of each of which `T&`
// among `Ranges` is used where it is, and must outlive the source, and `T` is
// moved there.
template <Arguments kArguments, typename... Ranges, typename R, typename... P>
std::unique_ptr<ItemSource> MakeItemSource(R (*fn)(P...), OnError on_error,
                                           Ranges&&... ranges) {
  using namespace item_source_internal;  // NOLINT(build/namespaces)
  static_assert(sizeof...(Ranges) > 0,
                "there must be a range to take items of");
  using Cursor =
      typename CursorType<TakesParts<kArguments, sizeof...(P), Ranges...>(),
                          Ranges...>::type;
  return std::make_unique<CallSource<Cursor, R, P...>>(
      fn, on_error, std::forward<Ranges>(ranges)...);
}

}  // namespace multiproc

#endif  // MULTIPROC_POOL_ITEM_SOURCE_H_
