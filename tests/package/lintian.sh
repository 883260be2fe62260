#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lintian.sh DIR: nothing to find in the packages of this folder and in the source package of this tree, whatever its weight. Whether its
# spelling check takes some bytes of the broker's code for a word hangs on the code: that its override is not needed this time is nothing to
# mend. Nor is what the lintian of Debian 13 would have otherwise in debian/control, and that of Debian 12 as it is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$(dirname "$(readlink -f "$0")")/../..
mkdir "$work/pam-jit"
tar -C "$tree" -c --exclude=./build --exclude=./.git . | tar -x -C "$work/pam-jit"
(cd "$work" && dpkg-source --compression=gzip --compression-level=1 -b pam-jit >log 2>&1) || { cat "$work/log"; exit 1; }
found=$(lintian --allow-root --pedantic --display-info --fail-on none "$1"/*.deb "$work"/*.dsc)
found=$(grep -v -E "redundant-(priority-optional|rules-requires-root-no)-field|(out-of-date|ancient)-standards-version" <<<"$found" || true)
found=$(grep -v -e "unused-override spelling-error-in-binary" -e "^N: 0 hints overridden; 1 unused override$" <<<"$found" || true)
[ -z "$found" ] || { echo "$found"; exit 1; }
