#!/bin/sh
# Makes the virtual environment of the optimisers' peers: make_venv.sh FOLDER (several GB).
set -eu
folder=${1:?usage: make_venv.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --requirement "$here/requirements.txt"
# HEBO's own pins (numpy < 1.25, pymoo 0.6.0) cannot be built beside the others; it runs with the newer ones of the list.
"$folder/bin/pip" install --quiet --no-deps HEBO==0.3.6
"$folder/bin/python" -W ignore -c 'import botorch, hebo.optimizers.general, optuna, smac; print("optuna", optuna.__version__, "botorch", botorch.__version__, "smac", smac.__version__)'
