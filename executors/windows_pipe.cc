// For rand_s.
#define _CRT_RAND_S
#include "multiproc/executors/windows_pipe.h"

#include <stdlib.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/overlapped_pipe.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"

namespace multiproc {
namespace {

// As much as Linux's pipes hold.
constexpr DWORD kPipeSize = 65536;

// Access for the user that this process runs as, and nobody else.
class OwnerOnly {
 public:
  // Null if it can't be told who that is.
  static SECURITY_ATTRIBUTES* Get() {
    static OwnerOnly* const only = new OwnerOnly;
    return only->made_ ? &only->attributes_ : nullptr;
  }

 private:
  OwnerOnly() : made_(ReadUser() && MakeList()) {
    attributes_.nLength = sizeof(attributes_);
    attributes_.lpSecurityDescriptor = &descriptor_;
    attributes_.bInheritHandle = FALSE;
  }

  bool ReadUser() {
    HANDLE token = nullptr;
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) == 0) {
      return false;
    }
    DWORD size = 0;
    GetTokenInformation(token, TokenUser, nullptr, 0, &size);
    user_.resize(size);
    const BOOL ok =
        GetTokenInformation(token, TokenUser, user_.data(),
                            static_cast<DWORD>(user_.size()), &size);
    CloseHandle(token);
    return ok != 0;
  }

  bool MakeList() {
    PSID sid = reinterpret_cast<TOKEN_USER*>(user_.data())->User.Sid;
    list_.resize(sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + GetLengthSid(sid));
    ACL* const list = reinterpret_cast<ACL*>(list_.data());
    return InitializeAcl(list, static_cast<DWORD>(list_.size()),
                         ACL_REVISION) != 0 &&
           AddAccessAllowedAce(list, ACL_REVISION, GENERIC_ALL, sid) != 0 &&
           InitializeSecurityDescriptor(&descriptor_,
                                        SECURITY_DESCRIPTOR_REVISION) != 0 &&
           SetSecurityDescriptorDacl(&descriptor_, TRUE, list, FALSE) != 0;
  }

  std::vector<char> user_;
  std::vector<char> list_;
  SECURITY_DESCRIPTOR descriptor_;
  SECURITY_ATTRIBUTES attributes_;
  const bool made_;
};

// 128 bits of the system's generator (rand_s calls RtlGenRandom).
absl::StatusOr<std::wstring> MakePipeName() {
  std::string name =
      absl::StrCat("\\\\.\\pipe\\multiproc-", GetCurrentProcessId(), "-");
  for (int i = 0; i < 4; ++i) {
    unsigned int bits = 0;
    if (rand_s(&bits) != 0) {
      return absl::InternalError("rand_s: the system has no random numbers");
    }
    absl::StrAppend(&name, absl::Hex(bits, absl::kZeroPad8));
  }
  return std::wstring(name.begin(), name.end());
}

DWORD OverlappedFlag(bool overlapped) {
  return overlapped ? FILE_FLAG_OVERLAPPED : 0;
}

// As the C runtime of a child expects them: with the right to change their
// mode, which the ends of a named pipe for one direction don't have.
absl::StatusOr<Pipe> MakeAnonymousPipe() {
  HANDLE read_end = nullptr;
  HANDLE write_end = nullptr;
  if (CreatePipe(&read_end, &write_end, nullptr, kPipeSize) == 0) {
    return WindowsError("CreatePipe", "", GetLastError());
  }
  Pipe pipe;
  pipe.read_end = ScopedFileHandle(read_end);
  pipe.write_end = ScopedFileHandle(write_end);
  return pipe;
}

}  // namespace

absl::StatusOr<Pipe> MakeWindowsPipe(const WindowsPipeOptions& options) {
  const bool watchable = options.watchable_write_end;
  if (!watchable && !options.non_blocking_read_end &&
      !options.non_blocking_write_end) {
    return MakeAnonymousPipe();
  }
  SECURITY_ATTRIBUTES* const owner_only = OwnerOnly::Get();
  if (owner_only == nullptr) {
    return absl::InternalError(
        "a named pipe: Windows does not tell the user of this process");
  }
  const absl::StatusOr<std::wstring> name = MakePipeName();
  if (!name.ok()) return name.status();
  Pipe pipe;
  pipe.read_end = ScopedFileHandle(CreateNamedPipeW(
      name->c_str(),
      (watchable ? PIPE_ACCESS_DUPLEX : PIPE_ACCESS_INBOUND) |
          FILE_FLAG_FIRST_PIPE_INSTANCE |
          OverlappedFlag(options.non_blocking_read_end),
      PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT |
          PIPE_REJECT_REMOTE_CLIENTS,
      /*nMaxInstances=*/1, kPipeSize, kPipeSize, 0, owner_only));
  if (!pipe.read_end.is_valid()) {
    return WindowsError("CreateNamedPipe", "", GetLastError());
  }
  pipe.write_end = ScopedFileHandle(CreateFileW(
      name->c_str(),
      GENERIC_WRITE | (watchable ? GENERIC_READ : DWORD{FILE_READ_ATTRIBUTES}),
      0, nullptr, OPEN_EXISTING,
      SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS |
          OverlappedFlag(watchable || options.non_blocking_write_end),
      nullptr));
  if (!pipe.write_end.is_valid()) {
    return WindowsError("open of a named pipe", "", GetLastError());
  }
  if (options.non_blocking_read_end) OverlappedPipe::Add(pipe.read_end.get());
  if (options.non_blocking_write_end) {
    OverlappedPipe::Add(pipe.write_end.get());
  }
  return pipe;
}

}  // namespace multiproc
