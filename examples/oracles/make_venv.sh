#!/bin/sh
# Makes the virtual environment with Arm's Vela that vela_oracle.py asks: make_venv.sh FOLDER
set -eu
folder=${1:?usage: make_venv.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --requirement "$here/requirements.txt"
"$folder/bin/vela" --version
