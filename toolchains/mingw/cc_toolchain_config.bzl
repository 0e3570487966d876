"""GCC for Windows (mingw-w64, POSIX threads), as Debian packages it for Linux.

Programs are linked statically: they need nothing but what Windows has."""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load("@rules_cc//cc:cc_toolchain_config_lib.bzl", "artifact_name_pattern", "feature", "flag_group", "flag_set", "tool_path", "with_feature_set")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")

_PREFIX = "/usr/bin/x86_64-w64-mingw32-"
_COMPILE = [
    ACTION_NAMES.c_compile,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.assemble,
    ACTION_NAMES.preprocess_assemble,
]
_LINK = [
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]
_TOOLS = {
    "ar": "ar",
    "cpp": "cpp-posix",
    "gcc": "gcc-posix",
    "gcov": "gcov-posix",
    "ld": "ld",
    "nm": "nm",
    "objcopy": "objcopy",
    "objdump": "objdump",
    "strip": "strip",
}

def _flags(actions, flags, mode = None):
    return flag_set(
        actions = actions,
        flag_groups = [flag_group(flags = flags)],
        with_features = [with_feature_set(features = [mode])] if mode else [],
    )

def _impl(ctx):
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = "mingw-w64-x86_64",
        host_system_name = "local",
        target_system_name = "x86_64-w64-mingw32",
        target_cpu = "x64_windows",
        target_libc = "mingw",
        compiler = "mingw-gcc",  # Abseil picks its Windows libraries by this name
        abi_version = "local",
        abi_libc_version = "local",
        tool_paths = [tool_path(name = n, path = _PREFIX + t) for n, t in _TOOLS.items()],
        cxx_builtin_include_directories = [
            "/usr/x86_64-w64-mingw32/include",
            "/usr/lib/gcc/x86_64-w64-mingw32",
            "/usr/share/mingw-w64/include",
        ],
        artifact_name_patterns = [
            artifact_name_pattern(category_name = "executable", prefix = "", extension = ".exe"),
            artifact_name_pattern(category_name = "dynamic_library", prefix = "", extension = ".dll"),
        ],
        features = [
            feature(name = "dbg"),
            feature(name = "fastbuild"),
            feature(name = "opt"),
            feature(name = "mingw_compile_flags", enabled = True, flag_sets = [
                # Windows 10; GCC's own printf, which knows %zu; objects with
                # more sections than 65,536, which templates make.
                _flags(_COMPILE, ["-D_WIN32_WINNT=0x0A00", "-D__USE_MINGW_ANSI_STDIO=1", "-Wa,-mbig-obj"]),
                _flags(_COMPILE, ["-g"], "dbg"),
                _flags(_COMPILE, ["-O2", "-DNDEBUG"], "opt"),
            ]),
            feature(name = "mingw_link_flags", enabled = True, flag_sets = [
                _flags(_LINK, ["-static", "-lstdc++", "-ldbghelp", "-lbcrypt", "-ladvapi32", "-lshlwapi"]),
            ]),
        ],
    )

mingw_cc_toolchain_config = rule(
    implementation = _impl,
    provides = [CcToolchainConfigInfo],
)
