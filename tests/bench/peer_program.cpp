#include "peer_program.hpp"

#include "child_program.hpp"

#include <boost/json.hpp>

#include <unistd.h>

namespace potoo::bench {

peer peer_result::as_peer(const std::string& default_name, const std::string& value) const
{
    const auto name = words.find("peer");
    peer p{name == words.end() ? default_name : name->second, {}, trouble};
    const auto found = values.find(value);
    if (found != values.end())
        p.value = found->second;
    else if (p.trouble.empty())
        p.trouble = "it did not say";
    return p;
}

peer_result run_peer(const std::string& script, const std::vector<std::string>& arguments)
{
    peer_result result;
    const std::string python = POTOO_BENCH_PEERS_INSTALLED "/bin/python";
    if (::access(python.c_str(), X_OK) != 0) {
        result.trouble = "not installed: tests/bench/peers/install";
        return result;
    }
    std::vector<std::string> command{python, "-B", POTOO_BENCH_PEERS "/" + script};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const program_end end = run_program(command);
    // What its libraries have to say on stdout comes before.
    const auto last_line = end.output.rfind("\n{");
    boost::json::error_code ec;
    const auto said =
        boost::json::parse(std::string_view(end.output).substr(last_line == std::string::npos ? 0 : last_line + 1), ec);
    if (end.exit_code != 0 || ec || !said.is_object()) {
        result.trouble = script + " ended with exit code " + std::to_string(end.exit_code);
        return result;
    }
    for (const auto& [key, v] : said.get_object()) {
        if (v.is_number())
            result.values[key] = v.to_number<double>();
        else if (v.is_string())
            result.words[key] = v.get_string().c_str();
    }
    if (result.words.contains("trouble"))
        result.trouble = result.words["trouble"];
    return result;
}

} // namespace potoo::bench
