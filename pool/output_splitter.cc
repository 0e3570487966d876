#include "multiproc/pool/output_splitter.h"

#include <algorithm>
#include <random>

#include "absl/strings/match.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {
namespace {

constexpr size_t kNonceBytes = 16;
constexpr size_t kIdBytes = 8;
constexpr size_t kMarkerBytes = kNonceBytes + kIdBytes;

uint64_t ReadId(absl::string_view bytes) {
  uint64_t id = 0;
  for (size_t i = kIdBytes; i > 0; --i) {
    id = id << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return id;
}

}  // namespace

std::string MakeOutputNonce() {
  std::random_device random;
  std::string nonce;
  while (nonce.size() < kNonceBytes) {
    const char byte = static_cast<char>(random() & 0xff);
    if (byte != '\n') nonce.push_back(byte);
  }
  return nonce;
}

std::string MakeOutputMarker(absl::string_view nonce, uint64_t task_id) {
  std::string marker(nonce);
  for (size_t i = 0; i < kIdBytes; ++i) {
    marker.push_back(static_cast<char>(task_id >> (8 * i) & 0xff));
  }
  return marker;
}

void OutputSplitter::Add(absl::string_view bytes) {
  std::string joined;
  if (!undecided_.empty()) {
    joined = std::exchange(undecided_, std::string());
    joined.append(bytes.data(), bytes.size());
    bytes = joined;
  }
  while (true) {
    const size_t marker = bytes.find(nonce_);
    if (marker == absl::string_view::npos) break;
    AddText(bytes.substr(0, marker));
    bytes.remove_prefix(marker);
    if (bytes.size() < kMarkerBytes) {
      undecided_ = std::string(bytes);
      return;
    }
    EndPartialLine();
    receiver_->OnTask(ReadId(bytes.substr(kNonceBytes)));
    bytes.remove_prefix(kMarkerBytes);
  }
  const size_t held_back = HeldBack(bytes);
  AddText(bytes.substr(0, bytes.size() - held_back));
  undecided_ = std::string(bytes.substr(bytes.size() - held_back));
}

// A worker may have died within a marker: that is none of its lines.
void OutputSplitter::Finish() {
  if (undecided_.size() < kNonceBytes) AddText(undecided_);
  undecided_.clear();
  EndPartialLine();
}

size_t OutputSplitter::HeldBack(absl::string_view text) const {
  size_t size = std::min(text.size(), kNonceBytes - 1);
  while (!absl::EndsWith(text, absl::string_view(nonce_).substr(0, size))) {
    --size;
  }
  return size;
}

void OutputSplitter::AddText(absl::string_view text) {
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    AddToLine(text.substr(0, newline));
    if (newline == absl::string_view::npos) return;
    EndLine();
    text.remove_prefix(newline + 1);
  }
}

void OutputSplitter::AddToLine(absl::string_view part) {
  while (line_.size() + part.size() > WorkerOutput::kMostLineBytes) {
    const size_t taken = WorkerOutput::kMostLineBytes - line_.size();
    line_.append(part.data(), taken);
    part.remove_prefix(taken);
    receiver_->OnLine(line_);
    line_.clear();
  }
  line_.append(part.data(), part.size());
}

void OutputSplitter::EndLine() {
#ifdef _WIN32
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
#endif
  receiver_->OnLine(line_);
  line_.clear();
}

void OutputSplitter::EndPartialLine() {
  if (line_.empty()) return;
  receiver_->OnLine(line_);
  line_.clear();
}

}  // namespace multiproc
