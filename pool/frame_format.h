// The bytes of a frame, which reader and writer share. The grammar with its
// reasons is in docs/frame_format.md:
//
//   stream  := frame*
//   frame   := magic[2] version[1] type[1] length[4, little-endian] payload
//   payload := `length` bytes: a message of multiproc/proto/task.proto, or of
//   an
//              attachment the bytes themselves

#ifndef MULTIPROC_POOL_FRAME_FORMAT_H_
#define MULTIPROC_POOL_FRAME_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace multiproc {

// 0xF5 begins no UTF-8 text, so that a stray printf is found at its first byte.
inline constexpr uint8_t kFrameMagic[2] = {0xF5, 'M'};
inline constexpr uint8_t kFrameVersion = 1;
inline constexpr size_t kFrameHeaderSize = 8;

enum class FrameType : uint8_t {
  kWorkerHello = 1,   // Worker to parent, first.
  kTaskRequest = 2,   // Parent to worker.
  kTaskResponse = 3,  // Worker to parent, one for each request.
  kTakeBack = 4,      // Parent to worker: drop what you have not begun.
  kAttachment = 5,    // Either way, behind the message that announces it.
  kTaskProgress = 6,  // Worker to parent, while it runs a task.
};

// Arguments and results of this many bytes or more are attachments: they are
// neither copied into a message nor out of it.
inline constexpr size_t kAttachmentBytes = size_t{32} << 10;

// The longest payload that is sent or accepted unless set otherwise.
inline constexpr size_t kDefaultMaxFrameBytes = size_t{64} << 20;

// What the length field, and protobuf, can hold at most.
inline constexpr size_t kLargestMaxFrameBytes = (size_t{1} << 31) - 1;

}  // namespace multiproc

#endif  // MULTIPROC_POOL_FRAME_FORMAT_H_
