#!/bin/sh
# Makes .venv: `./setup.sh run` for the service alone, `./setup.sh dev` for its tests too.
# Called by make, which knows when nothing has changed.
set -eu
cd "$(dirname "$0")"
what=${1:?usage: ./setup.sh run|dev}

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

is_recent() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if is_recent "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and $(python3 --version 2>&1 || true) is what python3 gives here. On Debian 12, Ubuntu 24.04 or newer: apt-get install python3 python3-venv. Elsewhere install it from python.org and run: make setup PYTHON=/where/it/is/python3"
}

make_venv() {
    if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$1" -m venv --clear .venv
    elif command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --seed --python "$1" .venv
    elif command -v virtualenv >/dev/null 2>&1; then
        virtualenv --quiet --clear --python "$1" .venv
    else
        fail "$1 cannot make virtual environments (its ensurepip is missing). Install that part: apt-get install python3-venv"
    fi
}

install() {
    # The build tool warns at length about what an editable installation is; only errors matter here.
    PYTHONWARNINGS=ignore .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable "$1" ||
        fail "the packages of pyproject.toml could not be installed; pip says why above. They come from the package index that pip is set up for."
}

if ! is_recent .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "setup: making .venv with $("$python" --version)"
    make_venv "$python"
fi
case $what in
run)
    echo "setup: installing the service"
    install .
    ;;
dev)
    echo "setup: installing the service and the tools of its tests"
    install '.[dev]'
    .venv/bin/python -m tests.hosts
    touch .venv/ready-dev
    ;;
*) fail "unknown part: $what (run or dev)" ;;
esac
touch .venv/ready-run
