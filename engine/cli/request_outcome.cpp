#include "engine/cli/request_outcome.hpp"

#include "engine/cli/remote/server_client.hpp"
#include "engine/cli/run_documents.hpp"

namespace potoo::cli {

host::request_result ask_about_run(server_client& server, const std::string& run, std::string_view verb,
                                   const json::object& wish)
{
    using kind = host::request_result::kind;
    host::request_result out;
    const json::value body = wish.empty() ? json::value() : json::value(wish);
    const json::value answer = server.ask("POST", api_path({"runs", run, verb}), body).body;
    const json::object document = answer.is_object() ? answer.get_object() : json::object();
    const json::value* carried = document.if_contains("carried");
    out.run = run_id(run);
    out.what = text_in(document, "result") == to_string(kind::repeated) ? kind::repeated : kind::accepted;
    out.text = text_in(document, "text");
    out.carried = !carried || !carried->is_bool() || carried->get_bool();
    return out;
}

std::string repeated_text(const host::request_result& r)
{
    return r.text.empty() ? "that was asked for before" : r.text;
}

} // namespace potoo::cli
