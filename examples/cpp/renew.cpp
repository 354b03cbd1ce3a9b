// Renews the one renewable certificate on a token, in C++17:  renew MODULE URI PIN CA-COMMAND

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "usbtoken.hpp"

namespace ut = usbtoken;

// A real program shows a dialog that says "last try" when request->pin_state says so.
static usbtoken_status ask_pin(void *user, const usbtoken_pin_request *request, usbtoken_pin_reply *reply)
{
    const auto *pin = static_cast<const std::string *>(user);
    if (pin->size() > reply->capacity || request->pin_state == USBTOKEN_PIN_STATE_FINAL_TRY)
        return USBTOKEN_PIN_CANCELLED;
    std::memcpy(reply->pin, pin->data(), pin->size());
    reply->length = pin->size();
    return USBTOKEN_OK;
}

static std::string ask_ca(const std::string &command, std::string_view request)
{
    const std::string file = "usbtoken-request.pem";
    std::ofstream(file) << request;
    std::unique_ptr<FILE, int (*)(FILE *)> pipe(popen((command + " < " + file).c_str(), "r"), pclose);
    std::string answer;
    char part[4096];
    for (size_t got; pipe && (got = std::fread(part, 1, sizeof part, pipe.get())) > 0;)
        answer.append(part, got);
    std::remove(file.c_str());
    return answer;
}

static void renew(const char *module, const char *uri, std::string pin, const std::string &command)
{
    ut::Context context;
    usbtoken_callbacks callbacks = {};
    callbacks.struct_size = sizeof callbacks;
    callbacks.user = &pin;
    callbacks.pin = ask_pin;
    ut::check(context, usbtoken_context_set_callbacks(context, &callbacks));
    ut::check(context, usbtoken_context_add_driver(context, module, USBTOKEN_NUL_TERMINATED));

    ut::Token token;
    ut::check(context, usbtoken_find(context, uri, USBTOKEN_NUL_TERMINATED, token.out()));
    ut::Credentials credentials;
    ut::check(token, usbtoken_token_credentials(token, credentials.out()));
    ut::Credential old;
    ut::check(credentials, usbtoken_credentials_renewable(credentials, 0, 0, old.out()));

    ut::Session session;
    ut::check(token, usbtoken_login(token, nullptr, 0, 0, session.out()));
    ut::RenewalHandle renewal;
    ut::check(session, usbtoken_renewal_begin(session, old, nullptr, renewal.out()));
    ut::Buffer request;
    ut::check(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, request.out()));

    const std::string answer = ask_ca(command, ut::text(usbtoken_buffer_text(request)));
    ut::Installed installed;
    ut::check(session, usbtoken_install(session, renewal, reinterpret_cast<const uint8_t *>(answer.data()),
                                        answer.size(), nullptr, installed.out()));
    ut::Credential fresh;
    ut::check(installed, usbtoken_installed_credential(installed, fresh.out()));
    std::cout << ut::text(usbtoken_credential_text(fresh, USBTOKEN_CREDENTIAL_SUMMARY)) << "\n";
}

int main(int count, char **arguments)
{
    if (count != 5) {
        std::cerr << "usage: renew MODULE URI PIN CA-COMMAND\n";
        return 2;
    }
    try {
        renew(arguments[1], arguments[2], arguments[3], arguments[4]);
        return 0;
    } catch (const ut::Error &error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
