#!/bin/sh
# Makes the virtual environment of the training benchmark's peer: make_venv.sh FOLDER (several GB).
set -eu
folder=${1:?usage: make_venv.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --requirement "$here/requirements.txt"
"$folder/bin/python" -c 'import torch; print("torch", torch.__version__)'
