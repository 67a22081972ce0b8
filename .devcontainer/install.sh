#!/bin/bash
# Run once in a new development container: the package, what its notebooks need, and MySQL's readiness.
set -eu
cd "$(dirname "$0")/.."
pip install --quiet '.[tutorial]'
sidecar-magics wait --timeout 300
