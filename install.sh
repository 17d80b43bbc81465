#!/usr/bin/env bash
# Installs the packages of requirements-run.txt or requirements-dev.txt into .venv: `./install.sh
# run`, `./install.sh dev`. It creates .venv with the newest Python that is there, or with PYTHON.
# An environment that is up to date is left alone, without network access.
set -euo pipefail
cd "$(dirname "$0")"
group=$1
python=.venv/bin/python
installed=.venv/installed.txt # a copy of the file, because a change of branch changes its date
uv_version=0.13.9
check_version="import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"

fail() {
  echo "$*" >&2
  exit 1
}

# Print the command of the newest Python that can create environments.
find_python() {
  local name version lacking="" candidates=(python3.14 python3.13 python3.12 python3.11 python3)
  [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
  for name in "${candidates[@]}"; do
    # Not only `command -v`: a version manager's command may exist without its Python.
    "$name" -c "$check_version" 2>/dev/null || continue
    "$name" -c "import ensurepip, venv" 2>/dev/null && echo "$name" && return
    version=$("$name" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    lacking=${lacking:-$version}
  done
  [ -z "$lacking" ] || fail "$lacking cannot create environments: apt install $lacking-venv"
  fail "${PYTHON:-There} is no Python 3.11 to 3.14:" \
    "apt install python3 python3-venv (Debian, Ubuntu) or brew install python (macOS)"
}

# Fail if the environment is incomplete, or if its Python was removed or replaced by another one.
check_environment() {
  "$python" -c "import pip; $check_version" 2>/dev/null
}

is_installed() {
  cmp -s "requirements-$1.txt" "$installed"
}

if check_environment; then
  is_installed dev && exit # these include those of running
  [ "$group" = run ] && is_installed run && exit
fi
for path in . .venv; do
  [ -w "$path" ] || ! [ -e "$path" ] ||
    fail "$PWD/$path belongs to another user (root with sudo?): sudo chown -R $(id -un) '$PWD'"
done
if ! check_environment; then
  base=$(find_python)
  "$base" -m venv --clear .venv
fi
rm -f "$installed"
"$python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
# Bytecode is compiled now: where it cannot be written later, each start would compile it again.
options=(--quiet --compile-bytecode --require-hashes)
if [ "$group" = run ]; then # the packages of the tests may stay
  VIRTUAL_ENV=.venv .venv/bin/uv pip install "${options[@]}" -r requirements-run.txt
else
  VIRTUAL_ENV=.venv .venv/bin/uv pip sync "${options[@]}" requirements-dev.txt
fi
cp "requirements-$group.txt" "$installed"
