// Splits one output stream of a worker into lines, and tells which task each
// belongs to. The worker marks in the stream where tasks begin and end:
//
//   | nonce: 16 bytes | task id, 0 for none: 8 bytes, little endian |
//
// The nonce is random, one for each pool, and nothing else that is written
// holds it. It has no newline, so that no line is held back because its end
// may be the begin of a marker.
//
//   OutputSplitter splitter(nonce, &receiver);
//   splitter.Add(bytes);     // as they come, cut anywhere
//   splitter.Finish();       // once no more will
//
// Not thread-safe.

#ifndef MULTIPROC_POOL_OUTPUT_SPLITTER_H_
#define MULTIPROC_POOL_OUTPUT_SPLITTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace multiproc {

// Another one at each call. Thread-safe.
std::string MakeOutputNonce();

// What the worker writes where `task_id` begins, or with 0 where a task ends.
std::string MakeOutputMarker(absl::string_view nonce, uint64_t task_id);

class OutputSplitter {
 public:
  class Receiver {
   public:
    // What follows is of this task, or of none if 0.
    virtual void OnTask(uint64_t task_id) = 0;
    // A line without its newline (worker_output.h); valid during the call.
    virtual void OnLine(absl::string_view line) = 0;

   protected:
    ~Receiver() = default;
  };

  // `receiver` must outlive the splitter.
  OutputSplitter(std::string nonce, Receiver* receiver)
      : nonce_(std::move(nonce)), receiver_(receiver) {}

  // Calls the receiver for what is complete: a line by its newline, a marker,
  // or the end of a task.
  void Add(absl::string_view bytes);

  // Calls it for all that is left.
  void Finish();

 private:
  void AddText(absl::string_view text);
  void AddToLine(absl::string_view part);
  void EndLine();
  void EndPartialLine();
  // How many bytes at the end of `text` may be the begin of a nonce.
  size_t HeldBack(absl::string_view text) const;

  const std::string nonce_;
  Receiver* const receiver_;
  // The begin of a marker, or what may be one.
  std::string undecided_;
  std::string line_;
};

}  // namespace multiproc

#endif  // MULTIPROC_POOL_OUTPUT_SPLITTER_H_
