"""An archive with build files of this project's laid over it (WORKSPACE only)."""

def _overlay_archive_impl(repository_ctx):
    repository_ctx.download_and_extract(
        url = repository_ctx.attr.urls,
        sha256 = repository_ctx.attr.sha256,
        stripPrefix = repository_ctx.attr.strip_prefix,
    )
    for label, destination in repository_ctx.attr.overlay.items():
        repository_ctx.delete(destination)
        repository_ctx.symlink(label, destination)

overlay_archive = repository_rule(
    implementation = _overlay_archive_impl,
    doc = "http_archive, but any number of files can be laid over it.",
    attrs = {
        "overlay": attr.label_keyed_string_dict(
            doc = "Files, and the paths in the archive that they get.",
        ),
        "sha256": attr.string(mandatory = True),
        "strip_prefix": attr.string(),
        "urls": attr.string_list(mandatory = True),
    },
)

def _proto_alias_impl(repository_ctx):
    repository_ctx.file("BUILD.bazel", "\n".join([
        'alias(name = "%s", actual = "@protobuf//:%s", visibility = ["//visibility:public"])' % (name, name)
        for name in ["protoc", "cc_toolchain"]
    ]))

    # rules_cc 0.0.17 loads it from here, to hand it on.
    repository_ctx.file("bazel/BUILD.bazel")
    repository_ctx.file("bazel/cc_proto_library.bzl", "\n".join([
        'load("@protobuf//bazel:cc_proto_library.bzl", _cc_proto_library = "cc_proto_library")',
        "cc_proto_library = _cc_proto_library",
        "",
    ]))

proto_alias = repository_rule(
    implementation = _proto_alias_impl,
    doc = "The repository in which Bazel 7's own rules for protos look for protoc.",
)
