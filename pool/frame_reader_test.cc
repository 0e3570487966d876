#include "multiproc/pool/frame_reader.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/pool/frame_format.h"

namespace {

// The longest block that was allocated since it was last set to 0.
std::atomic<size_t> longest_allocation{0};

void* Allocate(size_t size) {
  size_t longest = longest_allocation;
  while (size > longest &&
         !longest_allocation.compare_exchange_weak(longest, size)) {
  }
  void* const block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

// All that have a counterpart among the deletes below.
void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}

namespace multiproc {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr size_t kLimit = 1000;

void Feed(absl::string_view bytes, FrameReader* reader) {
  char* const space = reader->Space(bytes.size());
  std::copy(bytes.begin(), bytes.end(), space);
  reader->Filled(bytes.size());
}

std::string FrameOf(FrameType type, absl::string_view payload) {
  return absl::StrCat(MakeFrameHeader(type, payload.size()), payload);
}

// Appends the frames that are complete to `payloads`, as "type:payload".
absl::Status TakeAll(FrameReader* reader, std::vector<std::string>* payloads) {
  while (true) {
    const absl::StatusOr<std::optional<Frame>> frame = reader->Next();
    if (!frame.ok()) return frame.status();
    if (!frame->has_value()) return absl::OkStatus();
    payloads->push_back(
        absl::StrCat(static_cast<int>((*frame)->type), ":", (*frame)->payload));
  }
}

// What the reader says to `bytes`, which hold no frame.
absl::Status ErrorFor(absl::string_view bytes, size_t limit = kLimit) {
  FrameReader reader(limit);
  Feed(bytes, &reader);
  const absl::StatusOr<std::optional<Frame>> frame = reader.Next();
  EXPECT_EQ(reader.Next().status(), frame.status()) << "the error is forgotten";
  return frame.status();
}

// Three frames, and what TakeAll makes of them.
std::string ThreeFrames() {
  return FrameOf(FrameType::kWorkerHello, "hello") +
         FrameOf(FrameType::kTaskRequest, "") +
         FrameOf(FrameType::kTaskResponse, std::string("\xF5M\0", 3));
}
std::vector<std::string> ThreePayloads() {
  return {"1:hello", "2:", std::string("3:\xF5M\0", 5)};
}

TEST(FrameReaderTest, HeaderIsAsDocumented) {
  EXPECT_EQ(MakeFrameHeader(FrameType::kTaskResponse, 0x04030201),
            "\xF5M\x01\x03\x01\x02\x03\x04");
}

TEST(FrameReaderTest, EmptyStreamHasNoFrame) {
  FrameReader reader(kLimit);
  const absl::StatusOr<std::optional<Frame>> frame = reader.Next();
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_FALSE(frame->has_value());
  EXPECT_FALSE(reader.in_frame());
  EXPECT_EQ(reader.missing(), 0u);
}

TEST(FrameReaderTest, SeveralFramesInOneChunk) {
  FrameReader reader(kLimit);
  Feed(ThreeFrames(), &reader);
  std::vector<std::string> payloads;
  EXPECT_TRUE(TakeAll(&reader, &payloads).ok());
  EXPECT_THAT(payloads, ElementsAreArray(ThreePayloads()));
  EXPECT_FALSE(reader.in_frame());
}

// Reads `stream` in pieces of at most `piece` bytes, no more at a time than the
// reader has room for.
std::vector<std::string> ReadInPieces(const std::string& stream, size_t piece) {
  FrameReader reader(kLimit);
  std::vector<std::string> payloads;
  for (size_t done = 0; done < stream.size();) {
    const size_t size = std::min({piece, reader.limit(), stream.size() - done});
    Feed(absl::string_view(stream).substr(done, size), &reader);
    done += size;
    EXPECT_TRUE(TakeAll(&reader, &payloads).ok());
  }
  EXPECT_FALSE(reader.in_frame());
  return payloads;
}

TEST(FrameReaderTest, AttachmentsComeInAnyPieces) {
  const std::string stream =
      FrameOf(FrameType::kTaskRequest, "first") +
      FrameOf(FrameType::kAttachment, std::string("\xF5M attached", 11)) +
      FrameOf(FrameType::kAttachment, "") +
      FrameOf(FrameType::kTaskRequest, "last");
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_THAT(ReadInPieces(stream, piece),
                ElementsAre("2:first", "5:\xF5M attached", "5:", "2:last"))
        << "in pieces of " << piece;
  }
}

TEST(FrameReaderTest, AnAttachmentMayBeTaken) {
  FrameReader reader(kLimit);
  Feed(FrameOf(FrameType::kAttachment, "mine") +
           FrameOf(FrameType::kTaskRequest, "next"),
       &reader);
  ASSERT_TRUE(reader.Next()->has_value());
  const PackedBytes taken = reader.TakeAttachment();
  std::vector<std::string> payloads;
  EXPECT_TRUE(TakeAll(&reader, &payloads).ok());
  EXPECT_THAT(payloads, ElementsAre("2:next"));
  EXPECT_EQ(taken.view(), "mine");
}

TEST(FrameReaderTest, AnAttachmentThatHasBegunTakesOnlyItsOwn) {
  FrameReader reader(kLimit);
  EXPECT_EQ(reader.limit(), ~size_t{0});
  Feed(FrameOf(FrameType::kAttachment, "0123456789").substr(0, 12), &reader);
  EXPECT_FALSE(reader.Next()->has_value());
  EXPECT_EQ(reader.limit(), 6);
  EXPECT_EQ(reader.missing(), 6);
  EXPECT_TRUE(reader.in_frame());
}

TEST(FrameReaderTest, AnAttachmentOverTheLimitIsResourceExhausted) {
  EXPECT_TRUE(absl::IsResourceExhausted(
      ErrorFor(MakeFrameHeader(FrameType::kAttachment, kLimit + 1))));
}

TEST(FrameReaderTest, FramesCutAnywhereAreJoined) {
  const absl::string_view stream_end = "";
  const std::string stream = ThreeFrames();
  for (size_t first = 0; first <= stream.size(); ++first) {
    for (size_t second = first; second <= stream.size(); ++second) {
      FrameReader reader(kLimit);
      std::vector<std::string> payloads;
      const absl::string_view rest = stream;
      for (const absl::string_view chunk :
           {rest.substr(0, first), rest.substr(first, second - first),
            rest.substr(second), stream_end}) {
        Feed(chunk, &reader);
        ASSERT_TRUE(TakeAll(&reader, &payloads).ok());
      }
      ASSERT_THAT(payloads, ElementsAreArray(ThreePayloads()))
          << "cut at " << first << " and " << second;
    }
  }
}

TEST(FrameReaderTest, FramesArriveByteByByte) {
  FrameReader reader(kLimit);
  std::vector<std::string> payloads;
  for (int round = 0; round < 3; ++round) {
    for (const char byte : ThreeFrames()) {
      Feed(absl::string_view(&byte, 1), &reader);
      ASSERT_TRUE(TakeAll(&reader, &payloads).ok());
    }
  }
  ASSERT_EQ(payloads.size(), 9u);
  payloads.erase(payloads.begin(), payloads.begin() + 6);
  EXPECT_THAT(payloads, ElementsAreArray(ThreePayloads()));
}

TEST(FrameReaderTest, SpaceThatIsNotFilledIsNoData) {
  FrameReader reader(kLimit);
  std::memset(reader.Space(100), 'x', 100);
  reader.Filled(0);
  Feed(FrameOf(FrameType::kTaskRequest, "real"), &reader);
  std::vector<std::string> payloads;
  EXPECT_TRUE(TakeAll(&reader, &payloads).ok());
  EXPECT_THAT(payloads, ElementsAre("2:real"));
}

TEST(FrameReaderTest, MissingCountsTheBytesToCome) {
  const std::string frame = FrameOf(FrameType::kTaskRequest, "0123456789");
  FrameReader reader(kLimit);
  Feed(frame.substr(0, 7), &reader);
  EXPECT_FALSE(reader.Next()->has_value());
  EXPECT_TRUE(reader.in_frame());
  EXPECT_EQ(reader.missing(), 0u) << "without a whole header, it is unknown";

  Feed(frame.substr(7, 4), &reader);
  EXPECT_FALSE(reader.Next()->has_value());
  EXPECT_TRUE(reader.in_frame());
  EXPECT_EQ(reader.missing(), 7u);

  Feed(frame.substr(11), &reader);
  EXPECT_TRUE(reader.Next()->has_value());
  EXPECT_FALSE(reader.in_frame());
  EXPECT_EQ(reader.missing(), 0u);
}

TEST(FrameReaderTest, PayloadAtTheLimitIsTaken) {
  const std::string payload(kLimit, 'x');
  FrameReader reader(kLimit);
  Feed(FrameOf(FrameType::kTaskRequest, payload), &reader);
  const absl::StatusOr<std::optional<Frame>> frame = reader.Next();
  ASSERT_TRUE(frame.ok()) << frame.status();
  ASSERT_TRUE(frame->has_value());
  EXPECT_EQ((*frame)->payload, payload);
}

TEST(FrameReaderTest, PayloadOverTheLimitIsResourceExhausted) {
  // The header is enough.
  const absl::Status status =
      ErrorFor(MakeFrameHeader(FrameType::kTaskRequest, kLimit + 1));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("1001 bytes"), HasSubstr("limit of 1000"),
                    HasSubstr("max_frame_bytes")));
}

TEST(FrameReaderTest, LengthOfFourGibIsResourceExhausted) {
  for (const size_t limit : {kLimit, kLargestMaxFrameBytes}) {
    const absl::Status status =
        ErrorFor(MakeFrameHeader(FrameType::kTaskRequest, 0xFFFFFFFF), limit);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("4294967295 bytes"));
  }
}

TEST(FrameReaderTest, LargestLimitIsTaken) {
  FrameReader reader(kLargestMaxFrameBytes);
  Feed(MakeFrameHeader(FrameType::kTaskRequest, kLargestMaxFrameBytes),
       &reader);
  const absl::StatusOr<std::optional<Frame>> frame = reader.Next();
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_FALSE(frame->has_value());
  EXPECT_EQ(reader.missing(), kLargestMaxFrameBytes);
}

TEST(FrameReaderTest, GarbageIsFoundAtItsFirstByteAndQuoted) {
  const absl::Status one_byte = ErrorFor("o");
  EXPECT_TRUE(absl::IsDataLoss(one_byte)) << one_byte;
  EXPECT_THAT(one_byte.message(), HasSubstr("\"o\""));

  const absl::Status text = ErrorFor("oops\n");
  EXPECT_TRUE(absl::IsDataLoss(text)) << text;
  EXPECT_THAT(text.message(), AllOf(HasSubstr("\"oops\\n\""),
                                    HasSubstr("something else wrote")));
}

TEST(FrameReaderTest, GarbageIsFoundAtItsSecondByteAndQuoted) {
  FrameReader reader(kLimit);
  Feed("\xF5", &reader);
  EXPECT_TRUE(reader.Next().ok()) << "it may be a frame yet";
  Feed("X", &reader);
  const absl::Status status = reader.Next().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("\"\\xf5X\""));
}

TEST(FrameReaderTest, LongGarbageIsQuotedInPart) {
  const absl::Status status = ErrorFor(std::string(100, 'x'));
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("\"" + std::string(32, 'x') + "\""));
}

TEST(FrameReaderTest, GarbageAfterAFrameIsFound) {
  FrameReader reader(kLimit);
  Feed(FrameOf(FrameType::kTaskRequest, "fine") + "oops", &reader);
  std::vector<std::string> payloads;
  const absl::Status status = TakeAll(&reader, &payloads);
  EXPECT_THAT(payloads, ElementsAre("2:fine"));
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("\"oops\""));
}

TEST(FrameReaderTest, StreamIsLostAfterAnError) {
  FrameReader reader(kLimit);
  Feed("oops", &reader);
  const absl::Status status = reader.Next().status();
  ASSERT_TRUE(absl::IsDataLoss(status)) << status;
  Feed(FrameOf(FrameType::kTaskRequest, "fine"), &reader);
  EXPECT_EQ(reader.Next().status(), status);
}

TEST(FrameReaderTest, OtherVersionsAreRefused) {
  for (const int version : {0, 2, 255}) {
    std::string header = MakeFrameHeader(FrameType::kTaskRequest, 0);
    header[2] = static_cast<char>(version);
    const absl::Status status = ErrorFor(header);
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(status.message(),
                AllOf(HasSubstr(absl::StrCat("version ", version, ",")),
                      HasSubstr("this is version 1")));
  }
}

TEST(FrameReaderTest, UnknownTypesAreRefused) {
  for (const int type : {0, 7, 255}) {
    const absl::Status status =
        ErrorFor(MakeFrameHeader(static_cast<FrameType>(type), 0));
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(status.message(),
                HasSubstr(absl::StrCat("unknown type ", type)));
  }
}

TEST(FrameReaderTest, AnnouncedBytesAreNotAllocated) {
  longest_allocation = 0;
  { const std::string control(100000, 'x'); }
  ASSERT_GE(longest_allocation, 100000u) << "allocations are not seen";

  FrameReader reader(kDefaultMaxFrameBytes);
  longest_allocation = 0;
  Feed(MakeFrameHeader(FrameType::kTaskRequest, kDefaultMaxFrameBytes),
       &reader);
  Feed("0123456789", &reader);
  EXPECT_FALSE(reader.Next()->has_value());
  EXPECT_EQ(reader.missing(), kDefaultMaxFrameBytes - 10);
  EXPECT_LT(longest_allocation, 4096u);
}

TEST(FrameReaderTest, BufferGrowsWithWhatHasArrived) {
  constexpr size_t kChunk = 65536;
  FrameReader reader(kDefaultMaxFrameBytes);
  longest_allocation = 0;
  Feed(MakeFrameHeader(FrameType::kTaskRequest, kDefaultMaxFrameBytes),
       &reader);
  const std::string chunk(kChunk, 'x');
  for (size_t arrived = kChunk; arrived <= 64 * kChunk; arrived += kChunk) {
    Feed(chunk, &reader);
    ASSERT_FALSE(reader.Next()->has_value());
    ASSERT_LE(longest_allocation, 4 * (arrived + kChunk));
  }
}

TEST(FrameReaderTest, GreatBufferIsGivenBack) {
  const std::string payload(size_t{8} << 20, 'x');
  FrameReader reader(kDefaultMaxFrameBytes);
  Feed(FrameOf(FrameType::kTaskRequest, payload), &reader);
  ASSERT_EQ((*reader.Next())->payload.size(), payload.size());
  Feed(FrameOf(FrameType::kTaskRequest, "small"), &reader);
  ASSERT_EQ((*reader.Next())->payload, "small");
  longest_allocation = 0;
  // Takes space anew: the buffer of 8 MiB would have had it.
  reader.Space(size_t{1} << 20);
  EXPECT_GE(longest_allocation, size_t{1} << 20);
}

// Garbage, with enough of frames in it to get past each check now and then.
std::string RandomStream(std::mt19937* random) {
  std::string stream;
  for (size_t parts = (*random)() % 8; parts > 0; --parts) {
    switch ((*random)() % 4) {
      case 0:
        stream += FrameOf(static_cast<FrameType>((*random)() % 5),
                          std::string((*random)() % 20, 'x'));
        break;
      case 1:
        stream += MakeFrameHeader(FrameType::kTaskRequest, (*random)());
        break;
      case 2:
        stream += "\xF5M\x01\x02";
        break;
      case 3:
        stream += static_cast<char>((*random)());
        break;
    }
  }
  return stream;
}

// What comes out does not depend on how the bytes were cut.
TEST(FrameReaderTest, RandomStreamsGiveTheSameFramesHoweverTheyAreCut) {
  std::mt19937 random(20240229);
  int frames = 0;
  int errors = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string stream = RandomStream(&random);
    FrameReader whole(kLimit);
    std::vector<std::string> whole_payloads;
    Feed(stream, &whole);
    const absl::Status whole_status = TakeAll(&whole, &whole_payloads);

    FrameReader cut(kLimit);
    std::vector<std::string> cut_payloads;
    absl::Status cut_status;
    for (absl::string_view rest = stream; !rest.empty() && cut_status.ok();) {
      const size_t size = std::min<size_t>(rest.size(), 1 + random() % 12);
      Feed(rest.substr(0, size), &cut);
      rest.remove_prefix(size);
      cut_status = TakeAll(&cut, &cut_payloads);
    }
    // The quoted bytes are those that have come.
    ASSERT_EQ(cut_status.code(), whole_status.code());
    ASSERT_EQ(cut_payloads, whole_payloads);
    if (whole_status.ok()) {
      ASSERT_EQ(cut.in_frame(), whole.in_frame());
      ASSERT_EQ(cut.missing(), whole.missing());
    }
    frames += static_cast<int>(whole_payloads.size());
    errors += whole_status.ok() ? 0 : 1;
  }
  EXPECT_GT(frames, 1000);
  EXPECT_GT(errors, 1000);
}

TEST(FrameReaderTest, PureGarbageIsAnError) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(8 + random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    // 0 is not the first magic byte.
    bytes[0] = '\0';
    ASSERT_TRUE(absl::IsDataLoss(ErrorFor(bytes)));
  }
}

}  // namespace
}  // namespace multiproc
