#include "multiproc/functions/codec.h"

#include <climits>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "multiproc/functions/huge_pages.h"
#include "multiproc/functions/kept_by_thread.h"

namespace multiproc {
namespace {

void Recycle(std::string bytes) {
  std::string* const kept = KeptByThisThread<std::string>();
  if (kept == nullptr || bytes.capacity() <= kept->capacity() ||
      bytes.capacity() > kLargestKept) {
    return;
  }
  *kept = std::move(bytes);
  kept->clear();
}

}  // namespace

absl::Cord CordOfPacked(std::string bytes) {
  if (bytes.size() < kGreatBytes) return absl::Cord(bytes);
  auto* const owned = new std::string(std::move(bytes));
  return absl::MakeCordFromExternal(*owned, [owned] {
    Recycle(std::move(*owned));
    delete owned;
  });
}

void Encoder::MakeRoomFor(size_t size) {
  if (out_->capacity() - out_->size() >= size) return;
  std::string* const kept = KeptByThisThread<std::string>();
  if (kept == nullptr || kept->capacity() < out_->size() + size) {
    if (size > kLargestKept) ReserveInHugePages(out_->size() + size, out_);
    return;
  }
  kept->assign(*out_);
  out_->swap(*kept);
  std::string().swap(*kept);
}

void Codec<std::string>::AssignHuge(absl::string_view bytes,
                                    std::string* value) {
  ReserveInHugePages(bytes.size(), value);
  value->assign(bytes.data(), bytes.size());
}

void Encoder::PutVarint(uint64_t value) {
  uint8_t buffer[10];
  const uint8_t* end =
      google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(value,
                                                                    buffer);
  out_->append(reinterpret_cast<const char*>(buffer), end - buffer);
}

void Encoder::PutFixed(uint64_t value, int size) {
  char bytes[8];
  for (int i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(value >> (8 * i));
  }
  out_->append(bytes, size);
}

void Encoder::PutCord(const absl::Cord& bytes) {
  PutVarint(bytes.size());
  if (great_ == nullptr || bytes.size() < kGreatBytes) {
    if (bytes.size() >= kGreatBytes) MakeRoomFor(bytes.size());
    for (const absl::string_view chunk : bytes.Chunks()) {
      out_->append(chunk.data(), chunk.size());
    }
    return;
  }
  great_->Append(CordOfPacked(std::exchange(*out_, "")));
  great_->Append(bytes);
}

void Encoder::Finish() {
  if (great_ == nullptr || great_->empty()) return;
  great_->Append(CordOfPacked(std::exchange(*out_, "")));
}

void Encoder::PutProto(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  // Protobuf's own limit, in both directions.
  if (size > INT_MAX) {
    Fail(absl::StrCat("a ", std::string(message.GetTypeName()), " of ", size,
                      " bytes is over protobuf's limit of 2 GiB"));
    return;
  }
  PutVarint(size);
  if (!message.AppendPartialToString(out_)) {
    Fail(absl::StrCat("protobuf can't serialize a ",
                      std::string(message.GetTypeName())));
  }
}

void Encoder::Fail(absl::string_view reason) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(reason);
}

bool Decoder::GetVarint(uint64_t* value) {
  uint64_t result = 0;
  for (size_t i = 0; i < 10 && i < rest_.size(); ++i) {
    const uint64_t byte = static_cast<uint8_t>(rest_[i]);
    // The tenth byte holds the topmost bit, and nothing else.
    if (i == 9 && byte > 1) return false;
    result |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *value = result;
      rest_.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool Decoder::GetFixed(int size, uint64_t* value) {
  absl::string_view bytes;
  if (!GetBytes(size, &bytes)) return false;
  *value = 0;
  for (int i = 0; i < size; ++i) {
    *value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return true;
}

bool Decoder::GetBytes(size_t size, absl::string_view* bytes) {
  if (size > rest_.size()) return false;
  *bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

bool Decoder::GetSized(absl::string_view* bytes) {
  size_t size = 0;
  return GetCount(&size) && GetBytes(size, bytes);
}

bool Decoder::GetCord(absl::Cord* bytes) {
  absl::string_view found;
  if (!GetSized(&found)) return false;
  if (owner_ == nullptr || found.size() < kGreatBytes) {
    *bytes = absl::Cord(found);
  } else {
    *bytes = absl::MakeCordFromExternal(found, [owner = owner_] {});
  }
  return true;
}

bool Decoder::GetProto(google::protobuf::MessageLite* message) {
  absl::string_view bytes;
  if (!GetSized(&bytes) || bytes.size() > INT_MAX) return false;
  return message->ParsePartialFromArray(bytes.data(),
                                        static_cast<int>(bytes.size()));
}

bool Decoder::GetCount(size_t* count) {
  uint64_t number = 0;
  if (!GetVarint(&number) || number > rest_.size()) return false;
  *count = static_cast<size_t>(number);
  return true;
}

// Nanoseconds as absl keeps them: whole seconds and quarter nanoseconds would
// need its internals, so seconds and the rest in quarter nanoseconds are
// derived by its public arithmetic. Infinities go as a flag of their own.
void Codec<absl::Duration>::Encode(absl::Duration value, Encoder& out) {
  const bool infinite =
      value == absl::InfiniteDuration() || value == -absl::InfiniteDuration();
  absl::Duration rest;
  const int64_t seconds = absl::IDivDuration(value, absl::Seconds(1), &rest);
  const int64_t quarters =
      infinite ? 0 : absl::IDivDuration(rest, absl::Nanoseconds(1) / 4, &rest);
  out.Put(infinite,
          infinite ? (value < absl::ZeroDuration() ? -1 : 1) : seconds,
          quarters);
}

bool Codec<absl::Duration>::Decode(Decoder& in, absl::Duration* value) {
  bool infinite = false;
  int64_t seconds = 0;
  int64_t quarters = 0;
  if (!in.Get(&infinite, &seconds, &quarters)) return false;
  *value = infinite
               ? seconds * absl::InfiniteDuration()
               : absl::Seconds(seconds) + quarters * (absl::Nanoseconds(1) / 4);
  return true;
}

}  // namespace multiproc
