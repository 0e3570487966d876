"""What multiproc is built from, for workspaces without modules."""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:overlay_archive.bzl", "overlay_archive", "proto_alias")

def multiproc_deps():
    """Declares every repository that the workspace has not declared before."""
    _rule_sets()
    _libraries()
    _protobuf()

def _rule_sets():
    maybe(
        http_archive,
        name = "platforms",
        sha256 = "218efe8ee736d26a3572663b374a253c012b716d8af0c07e842e82f238a0a7ee",
        urls = ["https://github.com/bazelbuild/platforms/releases/download/0.0.10/platforms-0.0.10.tar.gz"],
    )
    maybe(
        http_archive,
        name = "bazel_skylib",
        sha256 = "bc283cdfcd526a52c3201279cda4bc298652efa898b10b4db0837dc51652756f",
        urls = ["https://github.com/bazelbuild/bazel-skylib/releases/download/1.7.1/bazel-skylib-1.7.1.tar.gz"],
    )
    maybe(
        http_archive,
        name = "rules_cc",
        sha256 = "abc605dd850f813bb37004b77db20106a19311a96b2da1c92b789da529d28fe1",
        strip_prefix = "rules_cc-0.0.17",
        urls = ["https://github.com/bazelbuild/rules_cc/releases/download/0.0.17/rules_cc-0.0.17.tar.gz"],
    )

def _libraries():
    maybe(
        http_archive,
        name = "abseil-cpp",
        sha256 = "f50e5ac311a81382da7fa75b97310e4b9006474f9560ac46f54a9967f07d4ae3",
        strip_prefix = "abseil-cpp-20240722.0",
        urls = ["https://github.com/abseil/abseil-cpp/releases/download/20240722.0/abseil-cpp-20240722.0.tar.gz"],
    )
    maybe(
        http_archive,
        name = "googletest",
        sha256 = "78c676fc63881529bf97bf9d45948d905a66833fbfa5318ea2cd7478cb98f399",
        strip_prefix = "googletest-1.16.0",
        urls = ["https://github.com/google/googletest/releases/download/v1.16.0/googletest-1.16.0.tar.gz"],
    )
    maybe(
        http_archive,
        name = "google_benchmark",
        sha256 = "32131c08ee31eeff2c8968d7e874f3cb648034377dfc32a4c377fa8796d84981",
        strip_prefix = "benchmark-1.9.1",
        urls = ["https://github.com/google/benchmark/archive/refs/tags/v1.9.1.tar.gz"],
    )
    maybe(
        http_archive,
        name = "stb",
        build_file = Label("//third_party/stb:overlay/stb.BUILD"),
        sha256 = "cfeab9f800961882d6d22ddf36e965523b33002f4f937de08321304c9ba72af3",
        strip_prefix = "stb-5c205738c191bcb0abc65c4febfa9bd25ff35234",
        urls = ["https://github.com/nothings/stb/archive/5c205738c191bcb0abc65c4febfa9bd25ff35234.tar.gz"],
    )

def _protobuf():
    maybe(
        overlay_archive,
        name = "protobuf",
        # As labels, not strings, they are this project's in a consumer's workspace too.
        overlay = {
            Label("//third_party/protobuf:overlay/bazel.BUILD"): "bazel/BUILD.bazel",
            Label("//third_party/protobuf:overlay/cc_proto_library.bzl.txt"): "bazel/cc_proto_library.bzl",
            Label("//third_party/protobuf:overlay/proto_library.bzl.txt"): "bazel/proto_library.bzl",
            Label("//third_party/protobuf:overlay/protobuf.BUILD"): "BUILD.bazel",
            Label("//third_party/protobuf:overlay/protoc.bzl.txt"): "protoc.bzl",
            Label("//third_party/protobuf:overlay/protoc_cpp_main.cc.txt"): "protoc_cpp_main.cc",
        },
        sha256 = "930c2c3b5ecc6c9c12615cf5ad93f1cd6e12d0aba862b572e076259970ac3a53",
        strip_prefix = "protobuf-3.21.12",
        urls = ["https://github.com/protocolbuffers/protobuf/archive/refs/tags/v3.21.12.tar.gz"],
    )
    maybe(proto_alias, name = "com_google_protobuf")
