"""Libraries of Windows beyond those that every compiler links, as linkopts."""

def _library(name):
    return select({
        "@rules_cc//cc/compiler:clang-cl": ["-DEFAULTLIB:%s.lib" % name],
        "@rules_cc//cc/compiler:mingw-gcc": ["-l" + name],
        "@rules_cc//cc/compiler:msvc-cl": ["-DEFAULTLIB:%s.lib" % name],
        "//conditions:default": [],
    })

# The access rights of pipes.
ADVAPI32 = _library("advapi32")

# CommandLineToArgvW, for tests.
SHELL32 = _library("shell32")
