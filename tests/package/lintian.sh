#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lintian.sh DIR: nothing to find in the packages of this folder, whatever its weight. Whether its spelling check takes some bytes of
# the broker's code for a word hangs on the code: that its override is not needed this time is nothing to mend.
set -euo pipefail
found=$(lintian --allow-root --pedantic --display-info --fail-on none "$1"/*.deb)
found=$(grep -v -e "unused-override spelling-error-in-binary" -e "^N: 0 hints overridden; 1 unused override$" <<<"$found" || true)
[ -z "$found" ] || { echo "$found"; exit 1; }
