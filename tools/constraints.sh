#!/bin/sh
# Writes constraints.txt and constraints-v2-client.txt anew from pyproject.toml and
# constraints-v2-client.in. Pins already in the files are kept unless they no longer fit; arguments go
# to uv, so `tools/constraints.sh --upgrade` moves everything to the newest versions.
set -eu

scratch=build/uv
mkdir -p build
[ -x "$scratch/bin/uv" ] || .venv/bin/python -m venv "$scratch"
"$scratch/bin/python" -m pip --disable-pip-version-check install --quiet uv

# From version 49 on cryptography has no wheel for Macs with an Intel processor, and a bare machine has
# no Rust compiler to build one.
cat >build/per-machine.txt <<'END'
cryptography<49; sys_platform == 'darwin' and platform_machine == 'x86_64'
cryptography>=50; sys_platform != 'darwin' or platform_machine != 'x86_64'
END

# trackingmore-sdk-python, which only tests use, wants urllib3 1.26.7 and nothing else, though it never
# imports it. The operators' notices send through urllib3 in production, so they decide.
cat >build/overrides.txt <<'END'
urllib3>=2.6
END

# compile OUTPUT FIRST-LINES [uv arguments...]
compile() {
    output=$1
    heading=$2
    shift 2
    # uv takes existing pins from the file that it writes to.
    body=build/$output
    if [ -f "$output" ]; then cp "$output" "$body"; fi
    "$scratch/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
        --output-file "$body" "$@"
    if grep -n '://' "$body"; then
        printf 'parcelwire: an address got into %s; it is not written\n' "$output" >&2
        exit 1
    fi
    { printf '%s\n' "$heading"; cat "$body"; } >"$output"
}

compile constraints.txt \
'# Every package that the development environment installs, with its exact version and the hashes of
# its files: one set for Python 3.11 to 3.14, on Linux and macOS. Whatever package index pip is told to
# use, a file with another hash is refused.
#
# Written by `make constraints` from pyproject.toml; do not edit. Install with
#     pip install --no-deps --require-hashes -r constraints.txt
# It is complete, so pip has nothing to look for; it would object to one package (see
# tools/constraints.sh).' \
    --constraint build/per-machine.txt --override build/overrides.txt --all-extras --group dev pyproject.toml "$@"

compile constraints-v2-client.txt \
'# The v2 client that must work unmodified, and what it needs; see constraints-v2-client.in.
# Written by `make constraints`; do not edit.' \
    constraints-v2-client.in "$@"
