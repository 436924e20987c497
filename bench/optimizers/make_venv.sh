#!/bin/sh
# Makes the virtual environment of the optimisers' peers: make_venv.sh FOLDER (several GB).
set -eu
folder=${1:?usage: make_venv.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --requirement "$here/requirements.txt"
"$folder/bin/python" -c 'import botorch, optuna, smac; print("optuna", optuna.__version__, "botorch", botorch.__version__, "smac", smac.__version__)'
