/*
 * usbtoken for C++17: handles that free themselves, statuses that are thrown.
 *
 *   usbtoken::Context context;                                 // throws usbtoken::Error
 *   usbtoken::check(context, usbtoken_context_add_driver(context, path, USBTOKEN_NUL_TERMINATED));
 *   usbtoken::Token token;
 *   usbtoken::check(context, usbtoken_find(context, uri, USBTOKEN_NUL_TERMINATED, token.out()));
 *
 * A thin layer, written by hand: every function of usbtoken.h is called as it is. No exception may leave a callback.
 */
#ifndef USBTOKEN_HPP
#define USBTOKEN_HPP

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "usbtoken.h"

namespace usbtoken {

/* Owns one handle. */
template <typename T, void (*Free)(T **)>
class Handle {
public:
    Handle() noexcept = default;
    ~Handle() { Free(&handle_); }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }

    /* For a call that takes the handle. */
    operator const T *() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /* For a call that gives one; what was owned before is freed. */
    T **out() noexcept
    {
        Free(&handle_);
        return &handle_;
    }

private:
    T *handle_ = nullptr;
};

using Buffer = Handle<usbtoken_buffer, usbtoken_buffer_free>;
using Credential = Handle<usbtoken_credential, usbtoken_credential_free>;
using Credentials = Handle<usbtoken_credentials, usbtoken_credentials_free>;
using Devices = Handle<usbtoken_devices, usbtoken_devices_free>;
using Diagnosis = Handle<usbtoken_diagnosis, usbtoken_diagnosis_free>;
using Drivers = Handle<usbtoken_drivers, usbtoken_drivers_free>;
using Details = Handle<usbtoken_error, usbtoken_error_free>;
using Enroll = Handle<usbtoken_enroll, usbtoken_enroll_free>;
using Installed = Handle<usbtoken_installed, usbtoken_installed_free>;
using Pending = Handle<usbtoken_pending, usbtoken_pending_free>;
using PendingList = Handle<usbtoken_pending_list, usbtoken_pending_list_free>;
using Preflight = Handle<usbtoken_preflight, usbtoken_preflight_free>;
using RenewalHandle = Handle<usbtoken_renewal, usbtoken_renewal_free>;
using Session = Handle<usbtoken_session, usbtoken_session_free>;
using Token = Handle<usbtoken_token, usbtoken_token_free>;
using Tokens = Handle<usbtoken_tokens, usbtoken_tokens_free>;

/* A call that failed: its status, and the report in the language of the environment. */
class Error : public std::runtime_error {
public:
    Error(usbtoken_status status, const std::string &report) : std::runtime_error(report), status_(status) {}
    usbtoken_status status() const noexcept { return status_; }

private:
    usbtoken_status status_;
};

/* Text that may be NULL. */
inline std::string_view text(const char *text) noexcept
{
    return text == nullptr ? std::string_view() : std::string_view(text);
}

/* Throws when a call on this handle failed. */
inline void check(const void *handle, usbtoken_status status)
{
    if (status == USBTOKEN_OK)
        return;
    Details details;
    const char *report = nullptr;
    if (usbtoken_last_error(handle, details.out()) == USBTOKEN_OK)
        report = usbtoken_error_text(details, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_DEFAULT);
    if (report == nullptr)
        report = usbtoken_text(USBTOKEN_TEXT_STATUS, status, USBTOKEN_TEXT_SENTENCE, USBTOKEN_LANGUAGE_DEFAULT);
    throw Error(status, std::string(text(report)));
}

/* A context, made at once. */
class Context : public Handle<usbtoken_context, usbtoken_context_free> {
public:
    explicit Context(const usbtoken_options *options = nullptr)
    {
        check(nullptr, usbtoken_context_new(options, out()));
    }
};

} // namespace usbtoken

#endif
