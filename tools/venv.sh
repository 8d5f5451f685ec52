#!/bin/sh
# Creates or refreshes one virtual environment from one hash-pinned requirements file.
#
#   tools/venv.sh DIRECTORY REQUIREMENTS [--with-project]
#
# The interpreter is $PYTHON if that is set, else the newest of Python 3.11 to 3.14 that can make a
# virtual environment. Plain POSIX sh and plain pip: nothing else may be expected on a bare machine.
set -eu

directory=$1
requirements=$2
with_project=${3:-}

fail() {
    printf 'parcelwire: %s\n' "$1" >&2
    exit 1
}

# Prints 3.11 and so on, or nothing; a version manager's shim may exist and still not run.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

is_suitable() {
    case $(version_of "$1") in
        3.11 | 3.12 | 3.13 | 3.14) return 0 ;;
        *) return 1 ;;
    esac
}

# Debian splits ensurepip off into the package python3-venv.
has_ensurepip() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_suitable "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11, 3.12, 3.13 or 3.14"
        candidates=$PYTHON
    else
        candidates='python3.14 python3.13 python3.12 python3.11 python3'
    fi
    without_venv=
    for candidate in $candidates; do
        is_suitable "$candidate" || continue
        if has_ensurepip "$candidate"; then
            python=$candidate
            return
        fi
        without_venv=$candidate
    done
    if [ -n "$without_venv" ]; then
        fail "$without_venv has no venv module; on Debian or Ubuntu: apt-get install python3-venv"
    fi
    fail "no Python 3.11, 3.12, 3.13 or 3.14 found; install one or call make PYTHON=/path/to/python3"
}

# An environment whose interpreter was upgraded away or removed is made anew; a living one is only
# brought up to date, because that takes seconds. `make clean-venv` starts from nothing.
if ! is_suitable "$directory/bin/python" || ! "$directory/bin/python" -m pip --version >/dev/null 2>&1
then
    choose_python
    printf 'parcelwire: creating %s with %s (%s)\n' "$directory" "$python" "$(version_of "$python")"
    "$python" -m venv --clear "$directory"
fi

pip() {
    "$directory/bin/python" -m pip --disable-pip-version-check "$@"
}

printf 'parcelwire: installing %s into %s; the first time takes a minute or two\n' "$requirements" "$directory"
# The file is complete: nothing is looked for beside it (see tools/constraints.sh for the reason).
pip install --quiet --no-deps --require-hashes --requirement "$requirements"
if [ "$with_project" = --with-project ]; then
    # The build backend is among the pinned requirements, so the build needs no network.
    pip install --quiet --no-deps --no-build-isolation --editable .
fi
touch "$directory/.ready"
