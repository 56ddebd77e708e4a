#include "engine/cli/error_report.hpp"

#include "engine/cli/display/output.hpp"
#include "engine/cli/remote/server_error.hpp"
#include "engine/cli/usage_error.hpp"
#include "engine/host/control_request.hpp"
#include "engine/host/state_config.hpp"
#include "engine/journal/store_error.hpp"
#include "engine/runtime/secret_resolver.hpp"

#include <unistd.h>

namespace potoo::cli {

void report_text(std::string_view text) noexcept
{
    try {
        file_output out(STDERR_FILENO);
        out.write(text);
        out.flush();
    } catch (...) {
        // Standard error is gone; the exit code still tells.
        return;
    }
}

void report_error(std::string_view text) noexcept
{
    if (text.ends_with('\n'))
        return report_text(text);
    report_text("potoo: error: ");
    report_text(text);
    report_text("\n");
}

exit_code report_current_exception() noexcept
{
    try {
        throw;
    } catch (const output_closed&) {
        return exit_code::success;
    } catch (const usage_error& e) {
        report_error(e.what());
        return exit_code::usage;
    } catch (const server_error& e) {
        report_error(e.what());
        return e.code();
    } catch (const runtime::secret_error& e) {
        report_error(e.what());
        return exit_code::usage;
    } catch (const host::config_error& e) {
        report_error(e.what());
        return exit_code::usage;
    } catch (const host::bad_answer& e) {
        report_error(e.what());
        return exit_code::unreachable;
    } catch (const journal::store_error& e) {
        report_error(e.what());
        return exit_code::unreachable;
    } catch (const std::exception& e) {
        report_error(e.what());
        return exit_code::failed;
    } catch (...) {
        report_error("something that is no exception was thrown");
        return exit_code::failed;
    }
}

} // namespace potoo::cli
