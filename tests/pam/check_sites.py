#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every function that a module gets from libc, libpam and libsystemd is made to fail by the sweep, or is named here with why not: so
that nothing new is used without that. Arguments: INTERPOSE.CPP MODULE..."""
import re
import subprocess
import sys

CANNOT_FAIL = """
    free geteuid getpid getpgrp getuid getauxval gmtime_r time memchr memcmp memcpy memmove memset strcmp strlen strstr
    sigaddset sigdelset sigemptyset sigisemptyset sigismember __errno_location __snprintf_chk __vsnprintf_chk __stack_chk_fail
    sd_bus_close_unref sd_bus_message_unref dl_iterate_phdr inet_ntop close
    __cxa_finalize __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable
""".split()
# Their failure is an ordinary answer: not there, or not that.
ANSWERS = """
    getenv pam_getenv sd_bus_error_has_name sd_bus_message_get_error sd_bus_message_get_path sd_bus_message_is_method_error sd_bus_message_is_signal
""".split()
# The log, the keys and the screen: without them something is not said, and nothing is decided otherwise. A conversation that fails
# is in test_flows.cpp.
SAYS_ONLY = "send poll isatty tcflush tcgetpgrp sigaction pam_prompt".split()
# How long is waited, and no more: without a clock each deadline has passed, and a yes that is there is one.
WAITS_ONLY = ["clock_gettime"]

with open(sys.argv[1], encoding="utf-8") as f:
    sites = re.search(r"sites = \{\{(.*?)\}\};", f.read(), re.DOTALL)[1]
known = {*re.findall(r'"(\w+)"', sites), *CANNOT_FAIL, *ANSWERS, *SAYS_ONLY, *WAITS_ONLY}
wrong = []
for module in sys.argv[2:]:
    out = subprocess.run(["nm", "-D", "--undefined-only", module], check=True, capture_output=True, text=True).stdout
    used = {line.split()[-1].split("@")[0] for line in out.splitlines()}
    wrong += [f"{module}: {name} is neither made to fail nor named as what cannot" for name in sorted(used - known)]
print("\n".join(wrong) if wrong else f"{len(known)} functions are known")
sys.exit(1 if wrong else 0)
