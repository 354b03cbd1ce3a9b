#!/usr/bin/env python3
"""Renews the one renewable certificate on a token, through ctypes.

    renew.py MODULE URI PIN CA-COMMAND

USBTOKEN_LIBRARY names the shared library; without it the installed one is taken. Any language that can call C can do
the same: handles are opaque pointers, statuses are integers, lengths stand beside pointers.
"""

import ctypes
import os
import subprocess
import sys

NUL_TERMINATED = ctypes.c_size_t(-1).value
FORMAT_PEM = 2
CREDENTIAL_SUMMARY = 10
ERROR_REPORT = 3

library = ctypes.CDLL(os.environ.get("USBTOKEN_LIBRARY", "libusbtoken.so.0"))
Handle = ctypes.c_void_p
Out = ctypes.POINTER(Handle)


def declare(name, *arguments, result=ctypes.c_int32):
    """Declares a function, so that ctypes passes every argument in its right size."""
    function = getattr(library, name)
    function.argtypes, function.restype = arguments, result
    return function


text, size, number = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32
context_new = declare("usbtoken_context_new", Handle, Out)
add_driver = declare("usbtoken_context_add_driver", Handle, text, size)
find = declare("usbtoken_find", Handle, text, size, Out)
credentials_of = declare("usbtoken_token_credentials", Handle, Out)
the_renewable = declare("usbtoken_credentials_renewable", Handle, number, ctypes.c_int64, Out)
login = declare("usbtoken_login", Handle, text, size, number, Out)
begin = declare("usbtoken_renewal_begin", Handle, Handle, Handle, Out)
request_of = declare("usbtoken_renewal_request", Handle, number, Out)
buffer_text = declare("usbtoken_buffer_text", Handle, result=text)
install = declare("usbtoken_install", Handle, Handle, text, size, Handle, Out)
credential_of = declare("usbtoken_installed_credential", Handle, Out)
credential_text = declare("usbtoken_credential_text", Handle, number, result=text)
last_error = declare("usbtoken_last_error", Handle, Out)
error_text = declare("usbtoken_error_text", Handle, number, number, result=text)


class Owned:
    """A handle that is freed with its own function."""

    def __init__(self, kind):
        self.handle = Handle()
        self.free = declare(f"usbtoken_{kind}_free", Out, result=None)

    def __del__(self):
        self.free(ctypes.byref(self.handle))


def call(function, kind, *arguments):
    """Calls a function whose last argument is an output; returns that, or raises what went wrong."""
    out = Owned(kind)
    given = [one.handle if isinstance(one, Owned) else one for one in arguments]
    status = function(*given, ctypes.byref(out.handle))
    if status != 0:
        raise RuntimeError(report(given[0]) or f"status {status}")
    return out


def report(handle):
    """The report of the handle's last error."""
    error = Owned("error")
    if last_error(handle, ctypes.byref(error.handle)) != 0 or not error.handle:
        return None
    return error_text(error.handle, ERROR_REPORT, 0).decode()


def renew(module, uri, pin, command):
    """The whole job; returns what the person is shown."""
    context = call(context_new, "context", None)
    if add_driver(context.handle, module.encode(), NUL_TERMINATED) != 0:
        raise RuntimeError(report(context.handle))
    token = call(find, "token", context, uri.encode(), NUL_TERMINATED)
    credentials = call(credentials_of, "credentials", token)
    old = call(the_renewable, "credential", credentials, 0, 0)
    session = call(login, "session", token, pin.encode(), NUL_TERMINATED, 0)
    renewal = call(begin, "renewal", session, old, None)
    request = call(request_of, "buffer", renewal, FORMAT_PEM)
    asked = subprocess.run(command, shell=True, input=buffer_text(request.handle), capture_output=True, check=True)
    installed = call(install, "installed", session, renewal, asked.stdout, len(asked.stdout), None)
    new = call(credential_of, "credential", installed)
    return credential_text(new.handle, CREDENTIAL_SUMMARY).decode()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: renew.py MODULE URI PIN CA-COMMAND")
    try:
        print(renew(*sys.argv[1:]))
    except RuntimeError as error:
        sys.exit(str(error))
