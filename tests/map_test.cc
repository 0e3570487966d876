// Whole ranges on a pool, end to end, on every backend.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/pool/combinators.h"
#include "multiproc/pool/item_index.h"
#include "multiproc/pool/process_pool.h"
#include "multiproc/proto/task.pb.h"
#include "tests/backends.h"
#include "tests/new_fifo.h"
#include "tests/process_state.h"
#include "tests/temp_path.h"
#include "tests/test_os.h"

namespace multiproc {

// Packs, but for the value 13.
struct Picky {
  int64_t value = 0;
};

template <>
struct Codec<Picky> {
  static std::string TypeName() { return "Picky"; }
  static void Encode(const Picky& picky, Encoder& out) {
    if (picky.value == 13) out.Fail("13 brings bad luck");
    out.Put(picky.value);
  }
  static bool Decode(Decoder& in, Picky* picky) {
    return in.Get(&picky->value);
  }
};

// Its Codec forgets the half of it.
struct Lopsided {
  int64_t left = 0;
  int64_t right = 0;
};

template <>
struct Codec<Lopsided> {
  static std::string TypeName() { return "Lopsided"; }
  static void Encode(const Lopsided& lopsided, Encoder& out) {
    out.Put(lopsided.left, lopsided.right);
  }
  static bool Decode(Decoder& in, Lopsided* lopsided) {
    return in.Get(&lopsided->left);
  }
};

// Negative ones can't be unpacked.
struct Wary {
  int64_t value = 0;
};

template <>
struct Codec<Wary> {
  static std::string TypeName() { return "Wary"; }
  static void Encode(const Wary& wary, Encoder& out) { out.Put(wary.value); }
  static bool Decode(Decoder& in, Wary* wary) {
    return in.Get(&wary->value) && wary->value >= 0;
  }
};

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- Tasks ----

int64_t Square(int64_t n) { return n * n; }
MULTIPROC_FUNCTION(Square);

int64_t Add(int64_t a, int64_t b) { return a + b; }
MULTIPROC_FUNCTION(Add);

std::string Describe(const std::string& name, int64_t n, bool known) {
  return absl::StrCat(name, " ", n, " ", known);
}
MULTIPROC_FUNCTION(Describe);

std::string Echo(const std::string& text) { return text; }
MULTIPROC_FUNCTION(Echo);

TaskFailure NextAttempt(const TaskFailure& failure) {
  TaskFailure next = failure;
  next.set_attempt(failure.attempt() + 1);
  return next;
}
MULTIPROC_FUNCTION(NextAttempt);

void LogLine(const std::string& path, int64_t n) {
  AppendLine(path, absl::StrCat(n));
}
MULTIPROC_FUNCTION(LogLine);

void Nothing() {}
MULTIPROC_FUNCTION(Nothing);

absl::Status LogAndRefuse(const std::string& path, int64_t n, int64_t refused) {
  AppendLine(path, absl::StrCat(n));
  if (n != refused) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(n, " is refused"));
}
MULTIPROC_FUNCTION(LogAndRefuse);

absl::StatusOr<int64_t> RefuseOdd(int64_t n) {
  if (n % 2 == 0) return n;
  return absl::InvalidArgumentError(absl::StrCat(n, " is odd"));
}
MULTIPROC_FUNCTION(RefuseOdd);

int64_t ThrowIfOdd(int64_t n) {
  if (n % 2 == 0) return n;
  throw std::logic_error("thrown on purpose");
}
MULTIPROC_FUNCTION(ThrowIfOdd);

int64_t DieIfNegative(int64_t n) {
  if (n < 0) DieBySignal(kSigKill);
  return n;
}
MULTIPROC_FUNCTION(DieIfNegative);

// Dies at its first run, which leaves a mark.
int64_t DieOnce(const std::string& mark) {
  if (std::filesystem::exists(mark)) return 2;
  std::ofstream(mark).close();
  DieBySignal(kSigKill);
}
MULTIPROC_FUNCTION(DieOnce);

void Pause(int64_t) { PauseForEver(); }
MULTIPROC_FUNCTION(Pause);

// Waits until somebody opens the FIFO for reading, if there is one.
int64_t WaitForReader(const std::string& fifo, int64_t n) {
  if (!fifo.empty()) WriteFifo(fifo, "");
  return n;
}
MULTIPROC_FUNCTION(WaitForReader);

void PauseAtOne(const std::string& fifo, int64_t n) {
  if (n != 1) return;
  WriteFifo(fifo, "");
  PauseForEver();
}
MULTIPROC_FUNCTION(PauseAtOne);

void Hold(const std::string& fifo, int64_t) {
  if (!fifo.empty()) WriteFifo(fifo, "");
}
MULTIPROC_FUNCTION(Hold);

absl::Status WaitAndRefuse(const std::string& fifo, int64_t n) {
  Hold(fifo, n);
  return absl::AbortedError(absl::StrCat(n, " is refused"));
}
MULTIPROC_FUNCTION(WaitAndRefuse);

Picky MakePicky(int64_t value) { return Picky{value}; }
MULTIPROC_FUNCTION(MakePicky);
int64_t TakePicky(const Picky& picky) { return picky.value; }
MULTIPROC_FUNCTION(TakePicky);

Lopsided MakeLopsided(int64_t n) { return {n, -n}; }
MULTIPROC_FUNCTION(MakeLopsided);

int64_t TakeWary(const Wary& wary) { return wary.value; }
MULTIPROC_FUNCTION(TakeWary);

int64_t NotRegistered(int64_t n) { return n; }

// ---- Ranges ----

// How far a Count has been read.
struct Read {
  std::atomic<int64_t> items{0};
  std::atomic<int64_t> steps{0};
};

// The numbers from 0, to `limit` if there is one: as little as a range can be.
// The same for ever.
struct Repeat {
  struct End {};
  struct Iterator {
    const std::string& operator*() const { return *value; }
    Iterator& operator++() { return *this; }
    bool operator!=(End) const { return true; }
    const std::string* value;
  };
  Iterator begin() const { return {&value}; }
  End end() const { return {}; }

  std::string value;
};

// Its iterator is of one pass and can't be copied, and its end is of another
// type.
class Count {
 public:
  struct End {};
  class Iterator {
   public:
    explicit Iterator(const Count* range) : range_(range) {}
    Iterator(Iterator&&) = default;
    Iterator& operator=(Iterator&&) = default;

    int64_t operator*() const {
      range_->read_->items = n_ + 1;
      return n_;
    }
    Iterator& operator++() {
      ++range_->read_->steps;
      ++n_;
      return *this;
    }
    bool operator!=(End) const { return n_ != range_->limit_; }

   private:
    const Count* range_;
    int64_t n_ = 0;
  };

  explicit Count(Read* read, int64_t limit = -1) : read_(read), limit_(limit) {}
  // Not const: some ranges are changed by being read.
  Iterator begin() { return Iterator(this); }
  End end() { return {}; }

 private:
  Read* read_;
  int64_t limit_;
};

// The numbers up to `count`; opens the FIFO for reading before the last.
struct OpensFifoAtItsEnd {
  class Iterator {
   public:
    Iterator(const std::string* fifo, int64_t left)
        : fifo_(fifo), left_(left) {}
    int64_t operator*() const {
      if (left_ == 1) ReadFifo(*fifo_);
      return left_;
    }
    Iterator& operator++() {
      --left_;
      return *this;
    }
    bool operator!=(const Iterator& other) const {
      return left_ != other.left_;
    }

   private:
    const std::string* fifo_;
    int64_t left_;
  };

  Iterator begin() const { return {&fifo, count}; }
  Iterator end() const { return {&fifo, 0}; }

  std::string fifo;
  int64_t count;
};

// The numbers from 0 on; throws instead of `limit`.
struct Throws {
  struct End {};
  struct Iterator {
    int64_t operator*() const {
      if (n == limit) throw std::out_of_range("the range is broken");
      return n;
    }
    Iterator& operator++() {
      ++n;
      return *this;
    }
    bool operator!=(End) const { return true; }

    int64_t limit;
    int64_t n = 0;
  };

  Iterator begin() const { return {limit}; }
  End end() const { return {}; }

  int64_t limit;
};

struct Lines {
  std::istream& in;
  auto begin() { return std::istream_iterator<std::string>(in); }
  auto end() { return std::istream_iterator<std::string>(); }
};

std::vector<int64_t> Numbers(int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  return numbers;
}

std::vector<std::string> LinesOf(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// The first waits, and `count - 1` do not.
std::vector<std::pair<std::string, int64_t>> FirstWaits(const std::string& fifo,
                                                        int64_t count) {
  std::vector<std::pair<std::string, int64_t>> items = {{fifo, 0}};
  for (int64_t n = 1; n < count; ++n) items.emplace_back("", n);
  return items;
}

void ExpectOwnError(const absl::Status& status, absl::StatusCode code,
                    uint64_t index) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_TRUE(IsTaskError(status)) << status;
  EXPECT_EQ(GetItemIndex(status), index) << status;
}

void ExpectDeath(const absl::Status& status, uint64_t index) {
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  const auto failure = GetTaskFailure(status);
  ASSERT_TRUE(failure.has_value()) << status;
  EXPECT_GT(failure->worker_pid(), 0);
  EXPECT_EQ(GetItemIndex(status), index);
}

MapOptions Chunks(size_t chunk_size, OnError on_error = OnError::kStop) {
  MapOptions options;
  options.chunk_size = chunk_size;
  options.on_error = on_error;
  return options;
}

MapOptions Pending(size_t max_pending, OnError on_error = OnError::kStop) {
  MapOptions options = Chunks(1, on_error);
  options.max_pending = max_pending;
  return options;
}

class MapTest : public BackendTest {
 protected:
  void SetUp() override {
    // What is made once, and kept, is made now.
    [[maybe_unused]] static const auto once =
        MakePool(1)->Submit(Nothing).Get();
    before_ = ProcessState::Now();
  }

  // No test may leave anything behind.
  void TearDown() override { EXPECT_EQ(LeftBehindSince(before_), ""); }

  std::unique_ptr<ProcessPool> MakePool(int num_workers,
                                        size_t max_frame_bytes = 0) {
    ProcessPoolOptions options;
    options.num_workers = num_workers;
    options.executor = &executor();
    if (max_frame_bytes > 0) options.max_frame_bytes = max_frame_bytes;
    auto pool = ProcessPool::Create(options);
    EXPECT_TRUE(pool.ok()) << pool.status();
    return pool.ok() ? *std::move(pool) : nullptr;
  }

  ProcessState before_;
};

// ---- Apply ----

TEST_P(MapTest, ApplyReturnsTheOutcome) {
  const auto pool = MakePool(1);
  EXPECT_EQ(*pool->Apply(Add, 3, 4), 7);
  EXPECT_TRUE(pool->Apply(Nothing).ok());
  const absl::Status status = pool->Apply(RefuseOdd, 5).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE(IsTaskError(status));
  EXPECT_EQ(GetItemIndex(status), std::nullopt);
}

// ---- Map ----

TEST_P(MapTest, MapIsTheSameInChunksOfAnySize) {
  const auto pool = MakePool(2);
  for (const int64_t count : {0, 1, 7, 1000}) {
    const std::vector<int64_t> items = Numbers(count);
    std::vector<int64_t> squares;
    for (const int64_t n : items) squares.push_back(n * n);
    for (const size_t chunk_size : {0, 1, 3, 10000}) {
      EXPECT_EQ(*pool->Map(Chunks(chunk_size), Square, items), squares)
          << count << " in chunks of " << chunk_size;
    }
  }
}

TEST_P(MapTest, MapTakesStringsAndMessages) {
  const auto pool = MakePool(2);
  const std::vector<std::string> words = {"a", "", std::string(100000, 'x')};
  EXPECT_EQ(*pool->Map(Chunks(2), Echo, words), words);
  std::vector<TaskFailure> failures(5);
  for (int i = 0; i < 5; ++i) failures[i].set_attempt(i);
  const auto next = pool->Map(Chunks(2), NextAttempt, failures);
  ASSERT_TRUE(next.ok()) << next.status();
  ASSERT_EQ(next->size(), 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ((*next)[i].attempt(), i + 1);
}

TEST_P(MapTest, MapTakesARangeOfOnePass) {
  const auto pool = MakePool(2);
  Read read;
  EXPECT_THAT(*pool->Map(Square, Count(&read, 4)), ElementsAre(0, 1, 4, 9));
  EXPECT_EQ(read.items, 4);
  std::istringstream in("one two three");
  EXPECT_THAT(*pool->Map(Echo, Lines{in}), ElementsAre("one", "two", "three"));
}

// Its size only says how many items there may be.
TEST_P(MapTest, ARangeMaySayAnySize) {
  class Boundless : public Count {
   public:
    using Count::Count;
    size_t size() const { return ~size_t{0}; }
  };
  const auto pool = MakePool(2);
  Read read;
  EXPECT_THAT(*pool->Map(Square, Boundless(&read, 3)), ElementsAre(0, 1, 4));
  EXPECT_EQ(pool->TryMap(Square, Boundless(&read, 3)).size(), 3);
}

TEST_P(MapTest, MapOfSeveralRangesEndsWithTheShortest) {
  const auto pool = MakePool(2);
  const std::forward_list<int> few = {1, 2, 3};
  EXPECT_THAT(*pool->Map(Add, few, Numbers(100)), ElementsAre(1, 3, 5));
  Read read;
  EXPECT_THAT(*pool->Map(Add, Count(&read), few), ElementsAre(1, 3, 5));
  EXPECT_THAT(*pool->Map(Describe, std::array<std::string, 2>{"a", "b"},
                         Numbers(5), std::vector<bool>{true, false}),
              ElementsAre("a 0 1", "b 1 0"));
  EXPECT_TRUE(pool->Map(Add, few, Numbers(0))->empty());
}

TEST_P(MapTest, StarMapTakesTuples) {
  const auto pool = MakePool(2);
  const std::vector<std::pair<int64_t, int>> pairs = {{1, 2}, {3, 4}};
  EXPECT_THAT(*pool->StarMap(Add, pairs), ElementsAre(3, 7));
  EXPECT_THAT(*pool->StarMap(Chunks(2), Add, pairs), ElementsAre(3, 7));
  const std::vector<std::tuple<std::string, int64_t, bool>> tuples = {
      {"a", 1, true}, {"b", 2, false}};
  EXPECT_THAT(*pool->StarMap(Describe, tuples), ElementsAre("a 1 1", "b 2 0"));
  const std::array<int64_t, 2> arrays[] = {{5, 6}};
  EXPECT_THAT(*pool->StarMap(Add, arrays), ElementsAre(11));
  EXPECT_THAT(*pool->StarMap(Square, std::vector<std::tuple<int64_t>>{{3}}),
              ElementsAre(9));
  // Several parameters and one range can mean nothing else.
  EXPECT_THAT(*pool->Map(Add, pairs), ElementsAre(3, 7));
}

TEST_P(MapTest, ForEachRunsAll) {
  const auto pool = MakePool(2);
  const std::string path = TempPath("log");
  const std::vector<std::string> paths(100, path);
  EXPECT_TRUE(pool->ForEach(LogLine, paths, Numbers(100)).ok());
  const std::vector<std::string> lines = LinesOf(path);
  EXPECT_EQ(lines.size(), 100);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 100);
  EXPECT_TRUE(pool->ForEach(LogLine, paths, Numbers(0)).ok());
}

// Of one chunk: item 3 fails.
TEST_P(MapTest, TheRestOfAChunkRunsOnlyWithContinue) {
  const auto pool = MakePool(1);
  const std::string stop = TempPath("log");
  const std::string go_on = TempPath("log");
  const std::vector<int64_t> refused(10, 3);
  ExpectOwnError(
      pool->ForEach(Chunks(10), LogAndRefuse,
                    std::vector<std::string>(10, stop), Numbers(10), refused),
      absl::StatusCode::kAborted, 3);
  EXPECT_THAT(LinesOf(stop), ElementsAre("0", "1", "2", "3"));
  ExpectOwnError(
      pool->ForEach(Chunks(10, OnError::kContinue), LogAndRefuse,
                    std::vector<std::string>(10, go_on), Numbers(10), refused),
      absl::StatusCode::kAborted, 3);
  EXPECT_EQ(LinesOf(go_on).size(), 10);
}

TEST_P(MapTest, MapReturnsTheErrorThatIsFirstByTheOrderOfItems) {
  const auto pool = MakePool(2);
  for (const OnError on_error : {OnError::kStop, OnError::kContinue}) {
    for (const size_t chunk_size : {0, 1, 4, 100}) {
      std::vector<int64_t> items(100, 2);
      items[41] = 7;
      items[42] = 9;
      const absl::Status status =
          pool->Map(Chunks(chunk_size, on_error), RefuseOdd, items).status();
      ExpectOwnError(status, absl::StatusCode::kInvalidArgument, 41);
      EXPECT_EQ(status.message(), "7 is odd");
    }
  }
}

// The first item waits until the last is read: if it held up the others, that
// would never be, and it would overrun.
TEST_P(MapTest, ASlowItemHoldsUpNoOther) {
  const auto pool = MakePool(2);
  MapOptions options = Chunks(1);
  options.task.timeout = absl::Seconds(60);
  const auto fifos = [](const std::string& first) {
    std::vector<std::string> fifos(50);
    fifos[0] = first;
    return fifos;
  };
  std::vector<int64_t> expected(50);
  std::iota(expected.rbegin(), expected.rend(), 1);
  std::string fifo = NewFifo();
  const auto all = pool->Map(options, WaitForReader, fifos(fifo),
                             OpensFifoAtItsEnd{fifo, 50});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(*all, expected);

  fifo = NewFifo();
  const auto outcomes = pool->TryMap(options, WaitForReader, fifos(fifo),
                                     OpensFifoAtItsEnd{fifo, 50});
  ASSERT_EQ(outcomes.size(), 50);
  for (size_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(outcomes[i].ok()) << outcomes[i].status();
    EXPECT_EQ(*outcomes[i], expected[i]);
  }

  fifo = NewFifo();
  const absl::Status status =
      pool->ForEach(options, Hold, fifos(fifo), OpensFifoAtItsEnd{fifo, 50});
  EXPECT_TRUE(status.ok()) << status;

  fifo = NewFifo();
  const auto later = pool->MapAsync(options, WaitForReader, fifos(fifo),
                                    OpensFifoAtItsEnd{fifo, 50})
                         .Get();
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(*later, expected);
}

// The last item is not read before the outcome of another than the first is
// taken.
TEST_P(MapTest, TheFirstErrorIsFirstEvenIfItEndsLast) {
  const auto pool = MakePool(2);
  const MapOptions options = Pending(2, OnError::kContinue);
  for (const bool async : {false, true}) {
    const OpensFifoAtItsEnd items{NewFifo(), 3};
    const std::vector<std::string> fifos = {items.fifo, "", ""};
    ExpectOwnError(
        async ? pool->MapAsync(options, WaitAndRefuse, fifos, items).Get()
              : pool->ForEach(options, WaitAndRefuse, fifos, items),
        absl::StatusCode::kAborted, 0);
  }
}

// All that may be pending is one chunk.
TEST_P(MapTest, AMapThatStopsReadsNoFurther) {
  const auto pool = MakePool(2);
  Read read;
  MapOptions four = Chunks(4);
  four.max_pending = 4;
  ExpectOwnError(pool->ForEach(four, LogAndRefuse,
                               std::vector<std::string>(100, TempPath("log")),
                               Count(&read, 100), std::vector<int64_t>(100, 0)),
                 absl::StatusCode::kAborted, 0);
  EXPECT_EQ(read.items, 4);
}

TEST_P(MapTest, AMapThatContinuesReadsAll) {
  const auto pool = MakePool(2);
  Read read;
  EXPECT_TRUE(absl::IsInvalidArgument(
      pool->Map(Pending(4, OnError::kContinue), RefuseOdd, Count(&read, 100))
          .status()));
  EXPECT_EQ(read.items, 100);
}

TEST_P(MapTest, TaskOptionsAreThoseOfEachChunk) {
  const auto pool = MakePool(1);
  MapOptions twice;
  twice.task.max_attempts = 2;
  EXPECT_THAT(
      *pool->Map(twice, DieOnce, std::vector<std::string>{TempPath("mark")}),
      ElementsAre(2));
  MapOptions short_time;
  short_time.task.timeout = absl::Milliseconds(20);
  const absl::Status status = pool->ForEach(short_time, Pause, Numbers(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_TRUE(GetTaskFailure(status).has_value());
  EXPECT_EQ(GetItemIndex(status), 0);
}

TEST_P(MapTest, AWorkerThatDiesInAMapIsTheErrorOfItsChunk) {
  const auto pool = MakePool(2);
  std::vector<int64_t> items = Numbers(20);
  items[13] = -1;
  ExpectDeath(pool->Map(Chunks(5), DieIfNegative, items).status(), 10);
  EXPECT_THAT(*pool->Map(Square, Numbers(3)), ElementsAre(0, 1, 4));
}

// ---- TryMap ----

TEST_P(MapTest, TryMapGivesEachItemItsOwnOutcome) {
  const auto pool = MakePool(2);
  for (const size_t chunk_size : {0, 1, 7, 1000}) {
    const std::vector<absl::StatusOr<int64_t>> outcomes =
        pool->TryMap(Chunks(chunk_size), RefuseOdd, Numbers(100));
    ASSERT_EQ(outcomes.size(), 100);
    for (size_t i = 0; i < 100; ++i) {
      if (i % 2 == 0) {
        ASSERT_TRUE(outcomes[i].ok()) << outcomes[i].status();
        EXPECT_EQ(*outcomes[i], static_cast<int64_t>(i));
      } else {
        ExpectOwnError(outcomes[i].status(), absl::StatusCode::kInvalidArgument,
                       i);
        EXPECT_EQ(outcomes[i].status().message(), absl::StrCat(i, " is odd"));
      }
    }
  }
  EXPECT_TRUE(pool->TryMap(RefuseOdd, Numbers(0)).empty());
}

TEST_P(MapTest, TryMapOfAFunctionWithoutAResultGivesStatuses) {
  const auto pool = MakePool(2);
  const std::vector<std::string> paths(5, TempPath("log"));
  const std::vector<absl::Status> statuses = pool->TryMap(
      Chunks(5), LogAndRefuse, paths, Numbers(5), std::vector<int64_t>(5, 2));
  ASSERT_EQ(statuses.size(), 5);
  for (size_t i = 0; i < 5; ++i) {
    if (i == 2) {
      ExpectOwnError(statuses[i], absl::StatusCode::kAborted, 2);
    } else {
      EXPECT_TRUE(statuses[i].ok()) << statuses[i];
    }
  }
}

TEST_P(MapTest, AnExceptionIsTheItemsOwn) {
  const auto pool = MakePool(1);
  const auto outcomes = pool->TryMap(Chunks(4), ThrowIfOdd, Numbers(4));
  ASSERT_EQ(outcomes.size(), 4);
  EXPECT_EQ(*outcomes[0], 0);
  ExpectOwnError(outcomes[1].status(), absl::StatusCode::kUnknown, 1);
  EXPECT_THAT(std::string(outcomes[1].status().message()),
              HasSubstr("thrown on purpose"));
  EXPECT_EQ(*outcomes[2], 2);
  ExpectOwnError(outcomes[3].status(), absl::StatusCode::kUnknown, 3);
}

TEST_P(MapTest, ADeathCostsTryMapOneChunk) {
  const auto pool = MakePool(2);
  std::vector<int64_t> items = Numbers(30);
  items[13] = -1;
  const auto outcomes = pool->TryMap(Chunks(5), DieIfNegative, items);
  ASSERT_EQ(outcomes.size(), 30);
  for (size_t i = 0; i < 30; ++i) {
    if (i / 5 == 2) {
      ExpectDeath(outcomes[i].status(), i);
    } else {
      ASSERT_TRUE(outcomes[i].ok()) << outcomes[i].status();
      EXPECT_EQ(*outcomes[i], static_cast<int64_t>(i));
    }
  }
}

TEST_P(MapTest, WhatCantBePackedIsTheItemsOwn) {
  const auto pool = MakePool(1);
  const std::vector<Picky> items = {{12}, {13}, {14}};
  const auto taken = pool->TryMap(Chunks(3), TakePicky, items);
  const auto made =
      pool->TryMap(Chunks(3), MakePicky, std::vector<int64_t>{12, 13, 14});
  ASSERT_EQ(taken.size(), 3);
  ASSERT_EQ(made.size(), 3);
  EXPECT_EQ(*taken[0], 12);
  EXPECT_EQ(*taken[2], 14);
  EXPECT_EQ(made[0]->value, 12);
  EXPECT_EQ(made[2]->value, 14);
  for (const absl::Status& status : {taken[1].status(), made[1].status()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_FALSE(IsTaskError(status));
    EXPECT_EQ(GetItemIndex(status), 1);
    EXPECT_THAT(std::string(status.message()), HasSubstr("bad luck"));
  }
}

TEST_P(MapTest, AnArgumentThatCantBeUnpackedCostsNothingBeforeIt) {
  const auto pool = MakePool(1);
  const std::vector<Wary> items = {{1}, {2}, {-1}, {4}, {5}, {6}, {7}, {8}};
  const auto outcomes = pool->TryMap(Chunks(4), TakeWary, items);
  ASSERT_EQ(outcomes.size(), 8);
  for (size_t i = 0; i < 8; ++i) {
    const absl::Status& status = outcomes[i].status();
    if (i == 2 || i == 3) {
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
      EXPECT_FALSE(IsTaskError(status));
      EXPECT_EQ(GetItemIndex(status), i);
    } else {
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(*outcomes[i], items[i].value);
    }
  }
  auto sequence = pool->IMap(Chunks(4), TakeWary, items);
  EXPECT_EQ(**sequence.Next(), 1);
  EXPECT_EQ(**sequence.Next(), 2);
  EXPECT_TRUE(absl::IsInvalidArgument(sequence.Next()->status()));
  EXPECT_EQ(sequence.Next(), std::nullopt);
}

TEST_P(MapTest, ResultsThatCantBeUnpackedAreNotBelieved) {
  const auto pool = MakePool(1);
  for (const size_t chunk_size : {1, 4}) {
    const MapOptions options = Chunks(chunk_size, OnError::kContinue);
    std::vector<absl::Status> statuses;
    for (const auto& outcome :
         pool->TryMap(options, MakeLopsided, Numbers(8))) {
      statuses.push_back(outcome.status());
    }
    for (const auto& item : pool->IMap(options, MakeLopsided, Numbers(8))) {
      statuses.push_back(item.status());
    }
    ASSERT_EQ(statuses.size(), 16);
    for (size_t i = 0; i < statuses.size(); ++i) {
      EXPECT_TRUE(absl::IsDataLoss(statuses[i])) << statuses[i];
      EXPECT_EQ(GetItemIndex(statuses[i]), i % 8);
    }
    const absl::Status status =
        pool->Map(Chunks(chunk_size), MakeLopsided, Numbers(8)).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_EQ(GetItemIndex(status), 0);
    EXPECT_TRUE(absl::IsDataLoss(
        pool->MapAsync(options, MakeLopsided, Numbers(8)).Get().status()));
  }
}

TEST_P(MapTest, WhatFitsNoMessageIsTheItemsOwn) {
  const auto pool = MakePool(1, /*max_frame_bytes=*/1024);
  const std::vector<std::string> items = {"a", "b", std::string(5000, 'x'),
                                          "c"};
  const auto outcomes = pool->TryMap(Chunks(4), Echo, items);
  ASSERT_EQ(outcomes.size(), 4);
  EXPECT_EQ(*outcomes[0], "a");
  EXPECT_EQ(*outcomes[1], "b");
  EXPECT_TRUE(absl::IsResourceExhausted(outcomes[2].status()));
  EXPECT_EQ(GetItemIndex(outcomes[2].status()), 2);
  EXPECT_EQ(*outcomes[3], "c");
}

TEST_P(MapTest, EveryItemOfAFunctionThatIsNotRegisteredIsNotFound) {
  const auto pool = MakePool(1);
  const auto outcomes = pool->TryMap(NotRegistered, Numbers(3));
  ASSERT_EQ(outcomes.size(), 3);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(absl::IsNotFound(outcomes[i].status()));
    EXPECT_EQ(GetItemIndex(outcomes[i].status()), i);
  }
  EXPECT_TRUE(absl::IsNotFound(pool->Map(NotRegistered, Numbers(3)).status()));
}

TEST_P(MapTest, AClosedPoolRefusesEveryItem) {
  const auto pool = MakePool(1);
  pool->Close();
  const auto outcomes = pool->TryMap(Chunks(2), Square, Numbers(5));
  ASSERT_EQ(outcomes.size(), 5);
  for (const auto& outcome : outcomes) {
    EXPECT_TRUE(absl::IsFailedPrecondition(outcome.status()));
  }
  EXPECT_TRUE(
      absl::IsFailedPrecondition(pool->Map(Square, Numbers(5)).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      pool->MapAsync(Square, Numbers(5)).Get().status()));
}

// ---- MapAsync ----

TEST_P(MapTest, MapAsyncGivesAFutureOfTheResults) {
  const auto pool = MakePool(2);
  for (const int64_t count : {0, 1, 1000}) {
    for (const size_t chunk_size : {0, 1, 7}) {
      const Future<std::vector<int64_t>> future = pool->MapAsync(
          Chunks(chunk_size), Add, Numbers(count), Numbers(count + 1));
      const auto sums = future.Get();
      ASSERT_TRUE(sums.ok()) << sums.status();
      ASSERT_EQ(sums->size(), static_cast<size_t>(count));
      for (int64_t i = 0; i < count; ++i) EXPECT_EQ((*sums)[i], 2 * i);
    }
  }
  const std::vector<std::string> words = {"a", "", std::string(100000, 'x')};
  EXPECT_EQ(*pool->MapAsync(Echo, words).Get(), words);
}

TEST_P(MapTest, MapAsyncWaitsForNothing) {
  const auto pool = MakePool(2);
  const std::string fifo = NewFifo();
  absl::Notification called;
  Future<std::vector<int64_t>> future;
  {
    // The range need not stay.
    auto items = FirstWaits(fifo, 100);
    future = pool->MapAsync(WaitForReader, std::move(items));
  }
  future.OnDone([&](const absl::StatusOr<std::vector<int64_t>>& results) {
    EXPECT_EQ(*results, Numbers(100));
    called.Notify();
  });
  EXPECT_FALSE(future.Ready());
  EXPECT_EQ(*pool->Apply(Square, 5), 25);
  ReadFifo(fifo);
  called.WaitForNotification();
  EXPECT_EQ(*future.Get(), Numbers(100));
}

TEST_P(MapTest, MapAsyncOfAFunctionWithoutAResult) {
  const auto pool = MakePool(2);
  const std::string path = TempPath("log");
  const Future<void> future =
      pool->MapAsync(LogLine, std::vector<std::string>(50, path), Numbers(50));
  EXPECT_TRUE(future.Get().ok());
  EXPECT_EQ(LinesOf(path).size(), 50);
}

TEST_P(MapTest, MapAsyncEndsWithTheFirstError) {
  const auto pool = MakePool(2);
  Read read;
  MapOptions four = Chunks(4);
  four.max_pending = 4;
  ExpectOwnError(pool->MapAsync(four, LogAndRefuse,
                                std::vector<std::string>(100, TempPath("log")),
                                Count(&read, 100), std::vector<int64_t>(100, 0))
                     .Get(),
                 absl::StatusCode::kAborted, 0);
  EXPECT_EQ(read.items, 4);
  ExpectOwnError(pool->MapAsync(Pending(4, OnError::kContinue), RefuseOdd,
                                Count(&read, 100))
                     .Get()
                     .status(),
                 absl::StatusCode::kInvalidArgument, 1);
  EXPECT_EQ(read.items, 100);
}

TEST_P(MapTest, MapAsyncReadsARangeWhereItIs) {
  const auto pool = MakePool(1);
  Read read;
  Count count(&read, 3);
  EXPECT_THAT(*pool->MapAsync(Square, std::ref(count)).Get(),
              ElementsAre(0, 1, 4));
}

// It was submitted before: as Python's map_async, it is worked off.
TEST_P(MapTest, MapAsyncGoesOnAfterClose) {
  const auto pool = MakePool(2);
  const std::string fifo = NewFifo();
  const auto future =
      pool->MapAsync(Pending(4), WaitForReader, FirstWaits(fifo, 100));
  pool->Close();
  EXPECT_TRUE(absl::IsFailedPrecondition(pool->Apply(Square, 5).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      pool->MapAsync(Square, Numbers(5)).Get().status()));
  EXPECT_FALSE(future.Ready());
  ReadFifo(fifo);
  EXPECT_TRUE(pool->Join().ok());
  EXPECT_EQ(*future.Get(), Numbers(100));
}

// An item that can't be sent says nothing of the pool, which has taken the rest
// before.
TEST_P(MapTest, MapAsyncGoesOnAfterCloseBehindAnItemThatIsTooLarge) {
  const auto pool = MakePool(1, /*max_frame_bytes=*/1024);
  const std::string fifo = NewFifo();
  Read read;
  std::vector<std::string> fifos(20);
  fifos[0] = fifo;
  fifos[10] = std::string(5000, 'x');
  const auto future =
      pool->MapAsync(Pending(2, OnError::kContinue), WaitForReader,
                     std::move(fifos), Count(&read, 20));
  pool->Close();
  ReadFifo(fifo);
  EXPECT_TRUE(pool->Join().ok());
  const absl::Status status = future.Get().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(GetItemIndex(status), 10);
  EXPECT_EQ(read.items, 20);
}

TEST_P(MapTest, MapAsyncIsWorkedOffByTheDestructor) {
  auto pool = MakePool(2);
  const auto one = pool->MapAsync(Chunks(1), Square, Numbers(50));
  const auto two = pool->MapAsync(Chunks(1), Add, Numbers(50), Numbers(50));
  pool = nullptr;
  EXPECT_EQ(one.Get()->size(), 50);
  EXPECT_EQ(two.Get()->size(), 50);
}

TEST_P(MapTest, TerminateCancelsMapAsync) {
  const auto pool = MakePool(2);
  const auto future = pool->MapAsync(Pause, Numbers(1000));
  pool->Terminate();
  EXPECT_TRUE(pool->Join().ok());
  const absl::Status status = future.Get();
  // The first was sent before, or not.
  EXPECT_TRUE(absl::IsCancelled(status) || absl::IsFailedPrecondition(status))
      << status;
  EXPECT_EQ(GetItemIndex(status), 0);
}

// Of a range without an end: what runs is ended, and no more is sent.
TEST_P(MapTest, MapAsyncIsCancelled) {
  const auto pool = MakePool(1);
  MapOptions options = Chunks(1);
  options.task.cancel_grace = absl::ZeroDuration();
  const std::string fifo = NewFifo();
  Read read;
  const auto future =
      pool->MapAsync(options, PauseAtOne, Repeat{fifo}, Count(&read));
  ReadFifo(fifo);
  EXPECT_TRUE(future.Cancel());
  ASSERT_TRUE(future.WaitWithTimeout(absl::Seconds(20)));
  const absl::Status status = future.Get();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(GetItemIndex(status), 1);
  EXPECT_FALSE(future.Cancel());
  EXPECT_EQ(*pool->Apply(Add, 3, 4), 7);
}

TEST_P(MapTest, MapAsyncThatIsCancelledBeforeItBeginsRunsNothing) {
  const auto pool = MakePool(2);
  absl::Notification begun, go_on;
  pool->Submit(Nothing).OnDone([&](const absl::Status&) {
    begun.Notify();
    go_on.WaitForNotification();
  });
  begun.WaitForNotification();
  Read read;
  const auto future = pool->MapAsync(Square, Count(&read));
  EXPECT_TRUE(future.Cancel());
  EXPECT_TRUE(future.Cancel());
  go_on.Notify();
  const absl::Status status = future.Get().status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(GetItemIndex(status), 0);
  EXPECT_EQ(read.items, 0);
}

// ---- IMap and IMapUnordered ----

TEST_P(MapTest, IMapGivesOutcomesInOrder) {
  const auto pool = MakePool(2);
  for (const int64_t count : {0, 1, 1000}) {
    for (const size_t chunk_size : {0, 1, 7}) {
      MapSequence<int64_t> squares =
          pool->IMap(Chunks(chunk_size), Square, Numbers(count));
      int64_t n = 0;
      for (absl::StatusOr<int64_t>& square : squares) {
        ASSERT_TRUE(square.ok()) << square.status();
        EXPECT_EQ(*square, n * n);
        EXPECT_EQ(squares.index(), static_cast<uint64_t>(n));
        ++n;
      }
      EXPECT_EQ(n, count);
      EXPECT_EQ(squares.Next(), std::nullopt);
    }
  }
}

TEST_P(MapTest, IMapUnorderedGivesEachOutcomeOnce) {
  const auto pool = MakePool(2);
  for (const int64_t count : {0, 1, 1000}) {
    for (const size_t chunk_size : {0, 1, 7}) {
      MapSequence<std::string> echoes = pool->IMapUnordered(
          Chunks(chunk_size), Echo,
          std::vector<std::string>(static_cast<size_t>(count), "text"));
      std::set<uint64_t> indices;
      while (const auto echo = echoes.Next()) {
        EXPECT_EQ(**echo, "text");
        indices.insert(echoes.index());
      }
      EXPECT_EQ(indices.size(), static_cast<size_t>(count));
    }
  }
}

TEST_P(MapTest, IMapUnorderedDoesNotWaitForASlowItem) {
  const auto pool = MakePool(2);
  const std::string fifo = NewFifo();
  auto sequence =
      pool->IMapUnordered(Chunks(1), WaitForReader, FirstWaits(fifo, 50));
  std::set<int64_t> seen;
  for (int i = 0; i < 49; ++i) seen.insert(**sequence.Next());
  EXPECT_EQ(seen.count(0), 0);
  EXPECT_EQ(seen.size(), 49);
  ReadFifo(fifo);
  EXPECT_EQ(**sequence.Next(), 0);
  EXPECT_EQ(sequence.index(), 0);
  EXPECT_EQ(sequence.Next(), std::nullopt);
}

TEST_P(MapTest, AnUnboundedRangeIsReadAsFarAsItMayBe) {
  const auto pool = MakePool(2);
  for (const bool ordered : {true, false}) {
    Read read;
    auto squares = ordered
                       ? pool->IMap(Pending(5), Square, Count(&read))
                       : pool->IMapUnordered(Pending(5), Square, Count(&read));
    EXPECT_EQ(read.items, 5);
    for (int64_t k = 0; k < 50; ++k) {
      const auto square = squares.Next();
      ASSERT_TRUE(square.has_value());
      if (ordered) {
        EXPECT_EQ(**square, k * k);
      }
      EXPECT_EQ(read.items, 5 + k);
      // Nor a step further.
      EXPECT_EQ(read.steps, 4 + k);
    }
  }
}

TEST_P(MapTest, TheLookAheadIsMadeOfWholeChunks) {
  const auto pool = MakePool(2);
  Read read;
  // Three for each worker; the first are of one item, if nothing else is said.
  auto one = pool->IMap(Square, Count(&read));
  EXPECT_EQ(read.items, 6);
  auto four = pool->IMap(Chunks(4), Square, Count(&read));
  EXPECT_EQ(read.items, 24);
  MapOptions ten = Chunks(4);
  ten.max_pending = 10;
  auto eight = pool->IMap(ten, Square, Count(&read));
  EXPECT_EQ(read.items, 8);
  // Two items of eight are taken: room for a chunk again.
  for (int64_t k = 0; k < 3; ++k) EXPECT_EQ(**eight.Next(), k * k);
  EXPECT_EQ(read.items, 12);
  ten.chunk_size = 100;
  auto all = pool->IMap(ten, Square, Count(&read));
  EXPECT_EQ(read.items, 10);
  for (int64_t k = 0; k < 25; ++k) EXPECT_EQ(**all.Next(), k * k);
}

TEST_P(MapTest, NextWaitsNoLongerThanItIsTold) {
  const auto pool = MakePool(1);
  for (const bool ordered : {true, false}) {
    const std::string fifo = NewFifo();
    const auto items = FirstWaits(fifo, 2);
    auto sequence = ordered ? pool->IMap(WaitForReader, items)
                            : pool->IMapUnordered(WaitForReader, items);
    for (const absl::Duration timeout :
         {absl::Milliseconds(20), absl::ZeroDuration(),
          -absl::InfiniteDuration()}) {
      const auto none = sequence.NextWithTimeout(timeout);
      ASSERT_TRUE(none.has_value());
      EXPECT_TRUE(absl::IsDeadlineExceeded(none->status()));
      EXPECT_EQ(GetItemIndex(none->status()), std::nullopt);
    }
    ReadFifo(fifo);
    EXPECT_EQ(**sequence.NextWithTimeout(absl::InfiniteDuration()), 0);
    EXPECT_EQ(**sequence.Next(), 1);
    EXPECT_EQ(sequence.NextWithTimeout(absl::ZeroDuration()), std::nullopt);
  }
}

TEST_P(MapTest, IMapEndsWithItsFirstErrorOrGoesOn) {
  const auto pool = MakePool(2);
  for (const size_t chunk_size : {1, 4}) {
    std::vector<int64_t> items(10, 2);
    items[5] = 7;
    auto stops = pool->IMap(Chunks(chunk_size), RefuseOdd, items);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(**stops.Next(), 2);
    ExpectOwnError(stops.Next()->status(), absl::StatusCode::kInvalidArgument,
                   5);
    EXPECT_EQ(stops.Next(), std::nullopt);

    auto goes_on =
        pool->IMap(Chunks(chunk_size, OnError::kContinue), RefuseOdd, items);
    int count = 0;
    for (const auto& item : goes_on) {
      EXPECT_EQ(item.ok(), count != 5);
      ++count;
    }
    EXPECT_EQ(count, 10);
  }
}

TEST_P(MapTest, IMapUnorderedEndsWithItsFirstErrorOrGoesOn) {
  const auto pool = MakePool(2);
  auto stops =
      pool->IMapUnordered(Chunks(1), RefuseOdd, std::vector<int64_t>{1, 3, 5});
  EXPECT_TRUE(absl::IsInvalidArgument(stops.Next()->status()));
  EXPECT_EQ(stops.Next(), std::nullopt);
  auto goes_on = pool->IMapUnordered(Chunks(3, OnError::kContinue), RefuseOdd,
                                     Numbers(100));
  int errors = 0;
  for (const auto& item : goes_on) {
    if (item.ok()) continue;
    ++errors;
    ExpectOwnError(item.status(), absl::StatusCode::kInvalidArgument,
                   goes_on.index());
  }
  EXPECT_EQ(errors, 50);
}

TEST_P(MapTest, IMapGoesOnBehindADeath) {
  const auto pool = MakePool(2);
  std::vector<int64_t> items = Numbers(20);
  items[7] = -1;
  for (const bool ordered : {true, false}) {
    const MapOptions options = Chunks(2, OnError::kContinue);
    auto sequence = ordered
                        ? pool->IMap(options, DieIfNegative, items)
                        : pool->IMapUnordered(options, DieIfNegative, items);
    std::set<uint64_t> dead;
    for (const auto& item : sequence) {
      if (item.ok()) continue;
      ExpectDeath(item.status(), sequence.index());
      dead.insert(sequence.index());
    }
    EXPECT_THAT(dead, ElementsAre(6, 7));
  }
}

TEST_P(MapTest, IMapOfAFunctionWithoutAResultGivesStatuses) {
  const auto pool = MakePool(2);
  const std::string path = TempPath("log");
  MapSequence<void> statuses =
      pool->IMap(LogLine, std::vector<std::string>(10, path), Numbers(10));
  for (const absl::Status& status : statuses) EXPECT_TRUE(status.ok());
  EXPECT_EQ(LinesOf(path).size(), 10);
}

TEST_P(MapTest, ASequenceMayBeLeftEarly) {
  const auto pool = MakePool(2);
  Read read;
  for (const auto& square : pool->IMap(Pending(4), Square, Count(&read))) {
    if (*square == 100) break;
  }
  EXPECT_EQ(read.items, 14);
  for (const bool ordered : {true, false}) {
    const std::string fifo = NewFifo();
    const auto items = FirstWaits(fifo, 100);
    {
      auto sequence = ordered ? pool->IMap(WaitForReader, items)
                              : pool->IMapUnordered(WaitForReader, items);
    }
    // It runs all the same.
    ReadFifo(fifo);
  }
  EXPECT_EQ(*pool->Apply(Square, 5), 25);
}

TEST_P(MapTest, ASequenceMayBeMoved) {
  const auto pool = MakePool(2);
  for (const bool ordered : {true, false}) {
    auto sequence = ordered
                        ? pool->IMap(Chunks(3), Square, Numbers(10))
                        : pool->IMapUnordered(Chunks(100), Square, Numbers(10));
    EXPECT_EQ(**sequence.Next(), 0);
    MapSequence<int64_t> moved;
    EXPECT_EQ(moved.Next(), std::nullopt);
    moved = std::move(sequence);
    for (int64_t n = 1; n < 10; ++n) EXPECT_EQ(**moved.Next(), n * n);
    EXPECT_EQ(moved.Next(), std::nullopt);
    EXPECT_EQ(sequence.Next(),  // NOLINT(bugprone-use-after-move)
              std::nullopt);
  }
}

// It is not of whatever was read before.
TEST_P(MapTest, WhatARangeThrowsComesBehindAllOutcomes) {
  const auto pool = MakePool(2);
  for (const int64_t limit : {0, 1, 5, 100}) {
    for (const size_t chunk_size : {0, 1, 3, 1000}) {
      for (const bool ordered : {true, false}) {
        const MapOptions options = Chunks(chunk_size);
        auto squares =
            ordered ? pool->IMap(options, Square, Throws{limit})
                    : pool->IMapUnordered(options, Square, Throws{limit});
        std::set<int64_t> seen;
        for (int64_t i = 0; i < limit; ++i) seen.insert(**squares.Next());
        EXPECT_EQ(seen.size(), static_cast<size_t>(limit));
        EXPECT_THROW(squares.Next(), std::out_of_range);
        EXPECT_EQ(squares.Next(), std::nullopt);
      }
    }
  }
}

TEST_P(MapTest, MapThrowsWhatItsRangeThrows) {
  const auto pool = MakePool(2);
  for (const int64_t limit : {0, 5, 100}) {
    EXPECT_THROW(pool->Map(Square, Throws{limit}).IgnoreError(),
                 std::out_of_range);
    EXPECT_THROW(pool->TryMap(Square, Throws{limit}), std::out_of_range);
  }
  EXPECT_THAT(*pool->Map(Square, Numbers(3)), ElementsAre(0, 1, 4));
}

TEST_P(MapTest, CloseEndsASequenceBehindWhatWasSent) {
  for (const bool ordered : {true, false}) {
    const auto pool = MakePool(2);
    Read read;
    const MapOptions options = Pending(3, OnError::kContinue);
    auto squares = ordered ? pool->IMap(options, Square, Count(&read))
                           : pool->IMapUnordered(options, Square, Count(&read));
    pool->Close();
    std::set<int64_t> sent;
    std::vector<absl::Status> refused;
    for (const auto& square : squares) {
      if (square.ok()) sent.insert(*square);
      if (!square.ok()) refused.push_back(square.status());
    }
    EXPECT_THAT(sent, ElementsAre(0, 1, 4));
    ASSERT_EQ(refused.size(), 1);
    EXPECT_TRUE(absl::IsFailedPrecondition(refused[0])) << refused[0];
    EXPECT_EQ(GetItemIndex(refused[0]), 3);
    EXPECT_EQ(read.items, 4);
    EXPECT_TRUE(pool->Join().ok());
  }
}

TEST_P(MapTest, TerminateEndsASequence) {
  const auto pool = MakePool(2);
  auto sequence = pool->IMap(Pause, Numbers(100));
  pool->Terminate();
  const auto status = sequence.Next();
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(absl::IsCancelled(*status)) << *status;
  EXPECT_EQ(GetItemIndex(*status), 0);
  EXPECT_EQ(sequence.Next(), std::nullopt);
}

TEST_P(MapTest, ASequenceMayOutliveItsPool) {
  auto pool = MakePool(2);
  auto ordered = pool->IMap(Pending(3), Square, Numbers(10));
  auto unordered = pool->IMapUnordered(Pending(3), Square, Numbers(10));
  pool = nullptr;
  for (int64_t n = 0; n < 3; ++n) EXPECT_EQ(**ordered.Next(), n * n);
  EXPECT_TRUE(absl::IsFailedPrecondition(ordered.Next()->status()));
  EXPECT_EQ(ordered.Next(), std::nullopt);
  EXPECT_TRUE(unordered.Next()->ok());
}

// ---- Several futures ----

TEST_P(MapTest, AsCompletedGivesFuturesAsTheyEnd) {
  const auto pool = MakePool(2);
  const std::string fifo = NewFifo();
  std::vector<Future<int64_t>> futures = {pool->Submit(WaitForReader, fifo, 0)};
  for (int64_t n = 1; n < 10; ++n) futures.push_back(pool->Submit(Square, n));
  auto completed = AsCompleted(futures);
  for (int i = 1; i < 10; ++i) {
    const auto item = completed.Next();
    ASSERT_TRUE(item.has_value());
    EXPECT_EQ(*item->future.Get(), static_cast<int64_t>(item->index) *
                                       static_cast<int64_t>(item->index));
    EXPECT_NE(item->index, 0);
  }
  EXPECT_FALSE(completed.NextWithTimeout(absl::Milliseconds(1)).has_value());
  EXPECT_EQ(completed.remaining(), 1);
  ReadFifo(fifo);
  EXPECT_EQ(completed.Next()->index, 0);
  EXPECT_FALSE(completed.Next().has_value());
  EXPECT_EQ(completed.remaining(), 0);
}

TEST_P(MapTest, WhenAllAndWhenAnyAreFutures) {
  const auto pool = MakePool(2);
  const std::string fifo = NewFifo();
  const std::vector<Future<int64_t>> futures = {
      pool->Submit(WaitForReader, fifo, 1), pool->Submit(RefuseOdd, 5),
      pool->Submit(DieIfNegative, -1)};
  const auto all = WhenAll(futures);
  EXPECT_GT(*WhenAny(futures).Get(), 0);
  EXPECT_FALSE(all.Ready());
  ReadFifo(fifo);
  const auto outcomes = all.Get();
  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  ASSERT_EQ(outcomes->size(), 3);
  EXPECT_EQ(*(*outcomes)[0], 1);
  EXPECT_TRUE(IsTaskError((*outcomes)[1].status()));
  EXPECT_TRUE(GetTaskFailure((*outcomes)[2].status()).has_value());
}

TEST_P(MapTest, WaitsTellWhatIsDone) {
  const auto pool = MakePool(2);
  const std::string fifo = NewFifo();
  const std::vector<Future<int64_t>> futures = {
      pool->Submit(WaitForReader, fifo, 1), pool->Submit(RefuseOdd, 5)};
  for (const WaitResult& result : {WaitAny(futures), WaitFirstError(futures),
                                   WaitAll(futures, absl::Milliseconds(1))}) {
    EXPECT_THAT(result.done, ElementsAre(1));
    EXPECT_THAT(result.not_done, ElementsAre(0));
  }
  ReadFifo(fifo);
  EXPECT_THAT(WaitAll(futures).done, ElementsAre(0, 1));
}

// Nothing but Future::OnDone needs the callback thread.
TEST_P(MapTest, ACallbackMayMapAndWait) {
  const auto pool = MakePool(2);
  absl::Notification called;
  pool->Submit(Square, 3).OnDone([&](const absl::StatusOr<int64_t>&) {
    EXPECT_THAT(*pool->Map(Square, Numbers(3)), ElementsAre(0, 1, 4));
    auto squares = pool->IMapUnordered(Chunks(1), Square, Numbers(3));
    std::set<int64_t> seen;
    for (const auto& square : squares) seen.insert(*square);
    EXPECT_THAT(seen, ElementsAre(0, 1, 4));
    const std::vector<Future<int64_t>> futures = {pool->Submit(Square, 4),
                                                  pool->Submit(Square, 5)};
    EXPECT_THAT(WaitAny(futures).done.empty(), false);
    EXPECT_EQ(WaitAll(futures).done.size(), 2);
    called.Notify();
  });
  called.WaitForNotification();
}

MULTIPROC_FOR_EVERY_BACKEND(MapTest);

}  // namespace
}  // namespace multiproc
