#!/usr/bin/env bash
# Make this checkout runnable: system libraries (Debian and its kin), a virtual environment, packages.
# Does only what is missing. Usage: tools/setup.sh [test]   (test: a virtual display is needed too)
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.installed

# Shared library that must load, and the Debian package that has it.
libraries="
libGL.so.1 libgl1
libGLU.so.1 libglu1-mesa
libEGL.so.1 libegl1
libportaudio.so.2 libportaudio2
libjack.so.0 libjack-jackd2-0
libfontconfig.so.1 libfontconfig1
libglib-2.0.so.0 libglib2.0-0
libxkbcommon.so.0 libxkbcommon0
libdbus-1.so.3 libdbus-1-3
"

say() { printf 'setup: %s\n' "$*" >&2; }

# The first Python that really runs and has the right version; a name alone proves nothing.
find_python() {
    local name
    for name in ${PYTHON:-} python3.12 python3.11 python3 /usr/bin/python3; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    say "Python 3.11 or 3.12 is needed and was not found; install it, or name it: make PYTHON=/path/to/python3.11"
    exit 4
}

missing_packages() {
    local known library package
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)
    while read -r library package; do
        [[ -z $library || $known == *"$library"* ]] || echo "$package"
    done <<<"$libraries"
    if [[ -z ${DISPLAY:-} || ${1:-} == test ]]; then
        command -v Xvfb >/dev/null || echo xvfb
        # Without a graphics card Mesa draws; the library above only hands on to it.
        compgen -G '/usr/lib/*/dri/swrast_dri.so' >/dev/null \
            || compgen -G '/usr/lib/*/libgallium*.so' >/dev/null || echo libgl1-mesa-dri
    fi
    compgen -G '/usr/share/fonts/*/*' >/dev/null || echo fonts-dejavu-core
    if [[ ! -x .venv/bin/python ]]; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null \
            || "$python" -c 'import sys; print("python{}.{}-venv".format(*sys.version_info))'
    fi
}

install_system() {
    local packages
    packages=$(missing_packages "${1:-}" | sort -u | tr '\n' ' ')
    [[ -n ${packages// /} ]] || return 0
    if ! command -v apt-get >/dev/null; then
        say "these Debian packages, or what your system calls them, are missing: $packages"
        exit 4
    fi
    if [[ $(id -u) != 0 ]]; then
        say "something is missing. Please run: sudo apt-get install --no-install-recommends $packages"
        exit 4
    fi
    say "installing $packages"
    apt-get update -qq
    # shellcheck disable=SC2086 - one word per package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

# What compiles the reference controller's firmware and simulates its chip: tests only.
missing_firmware_tools() {
    command -v avr-gcc >/dev/null || echo gcc-avr
    [[ -e /usr/lib/avr/include/avr/io.h ]] || echo avr-libc
    [[ -e /usr/include/simavr/sim_avr.h ]] || echo libsimavr-dev
    [[ -e /usr/include/libelf.h ]] || echo libelf-dev
    command -v cc >/dev/null || echo gcc
    [[ -e /usr/include/stdlib.h ]] || echo libc6-dev
    command -v make >/dev/null || echo make
}

# Everything else works without them: where they cannot be had the tests of the firmware are left out,
# except in CI, where leaving them out would look like passing.
install_firmware_tools() {
    local packages
    packages=$(missing_firmware_tools | tr '\n' ' ')
    [[ -n ${packages// /} ]] || return 0
    if command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
        say "installing $packages"
        # shellcheck disable=SC2086 - one word per package
        if apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $packages >/dev/null; then
            return 0
        fi
    fi
    say "the tests of the controller's firmware need these Debian packages: $packages"
    say "to install them: sudo apt-get install --no-install-recommends $packages"
    if [[ ${CI:-} == true ]]; then
        say "in CI they must not be missing"
        exit 4
    fi
    say "going on without: those tests will be skipped"
}

install_python() {
    if [[ ! -x .venv/bin/python ]]; then
        say "making .venv with $("$python" --version)"
        "$python" -m venv .venv
    fi
    if [[ ! $stamp -nt requirements.lock ]]; then
        say "installing Python packages (a minute or two, 1.6 GB)"
        # Compiled here and now: a first start without would take seconds longer.
        .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input --compile \
            -r requirements.lock
        touch "$stamp"
    fi
}

python=
[[ -x .venv/bin/python && $stamp -nt requirements.lock ]] || python=$(find_python)
[[ $(uname -s) != Linux ]] || install_system "${1:-}"
[[ $(uname -s) != Linux || ${1:-} != test ]] || install_firmware_tools
install_python
# Our own code too: where the environment keeps Python from caching, each start would compile it.
.venv/bin/python -m compileall -q hardware scc_task
