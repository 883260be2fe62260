#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lintian.sh DIR: nothing to find in the packages of this folder, whatever its weight.
set -euo pipefail
found=$(lintian --allow-root --pedantic --display-info --fail-on none "$1"/*.deb)
[ -z "$found" ] || { echo "$found"; exit 1; }
