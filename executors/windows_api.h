// The one place that includes windows.h: without the names that nobody wants
// (min, max, ERROR ...) where they can be left out, and with the functions of
// Windows 10, the oldest one that this library is for. Windows only; never from
// a public header.

#ifndef MULTIPROC_EXECUTORS_WINDOWS_API_H_
#define MULTIPROC_EXECUTORS_WINDOWS_API_H_

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOGDI
#define NOGDI
#endif

#include <windows.h>

#endif  // MULTIPROC_EXECUTORS_WINDOWS_API_H_
