#include "engine/aws/profiles.hpp"

#include "engine/text/ascii.hpp"

#include <potoo/blocking.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace potoo::aws {
namespace {

std::string_view stripped(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// `profile  work` as `profile work`, without quotes.
std::string section_name(std::string_view text)
{
    std::string out;
    for (const char c : stripped(text)) {
        if (c == '"' || c == '\'')
            continue;
        if (c != ' ' && c != '\t')
            out.push_back(c);
        else if (!out.empty() && out.back() != ' ')
            out.push_back(' ');
    }
    return out;
}

std::string_view without_comment(std::string_view value)
{
    for (const std::string_view mark : {" #", " ;", "\t#", "\t;"})
        value = value.substr(0, value.find(mark));
    return stripped(value);
}

std::string with_home(std::string path, const variables& v)
{
    if (path == "~" || path.starts_with("~/"))
        path.replace(0, 1, v("HOME").value_or(""));
    return path;
}

/// The parts of the config file by what their sections are called.
void sort_config(std::string_view text, profiles& into)
{
    for (auto& [name, s] : read_sections(text)) {
        const std::size_t blank = name.find(' ');
        const std::string kind = name.substr(0, blank);
        const std::string rest = blank == std::string::npos ? "" : name.substr(blank + 1);
        if (name == "default")
            into.by_name["default"].config = std::move(s);
        else if (kind == "profile")
            into.by_name[rest].config = std::move(s);
        else if (kind == "sso-session")
            into.sso_sessions[rest] = std::move(s);
        else if (kind == "services")
            into.services[rest] = std::move(s);
    }
}

std::optional<std::string> read_now(const std::string& path)
{
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        if (errno == ENOENT || errno == ENOTDIR)
            return std::nullopt;
        throw failure(fmt::format("cannot read {}: {}", path, std::strerror(errno)), "unreadable_file");
    }
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (file.bad())
        throw failure(fmt::format("cannot read {}", path), "unreadable_file");
    return text;
}

} // namespace

std::map<std::string, section, std::less<>> read_sections(std::string_view text)
{
    std::map<std::string, section, std::less<>> all;
    section* current = nullptr;
    std::string outer;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        at = end + 1;
        const std::string_view content = stripped(line);
        if (content.empty() || content.front() == '#' || content.front() == ';')
            continue;
        if (content.front() == '[') {
            current = &all[section_name(content.substr(1, content.rfind(']') - 1))];
            outer.clear();
            continue;
        }
        const std::size_t equals = content.find('=');
        if (!current || equals == std::string_view::npos)
            continue;
        const bool indented = line.front() == ' ' || line.front() == '\t';
        const std::string name = text::lower(stripped(content.substr(0, equals)));
        const std::string value(without_comment(content.substr(equals + 1)));
        if (indented && !outer.empty())
            (*current)[outer + "." + name] = value;
        else
            (*current)[name] = value;
        if (!indented)
            outer = value.empty() ? name : std::string();
    }
    return all;
}

std::optional<std::string> profiles::profile::find(std::string_view name) const
{
    for (const section* s : {&config, &credentials}) {
        if (const auto found = s->find(name); found != s->end() && !found->second.empty())
            return found->second;
    }
    return std::nullopt;
}

const profiles::profile* profiles::find(std::string_view name) const
{
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : &found->second;
}

std::string profiles::where() const
{
    return fmt::format("in {} and {}", credentials_file, config_file);
}

task<std::optional<std::string>> read_file(std::string path)
{
    const auto read = [path] { return read_now(path); };
    auto text = co_await blocking(read);
    co_return text;
}

task<profiles> read_profiles(std::string named_profile, variables v)
{
    profiles p;
    p.directory = with_home("~/.aws", v);
    p.credentials_file = with_home(v("AWS_SHARED_CREDENTIALS_FILE").value_or(p.directory + "/credentials"), v);
    p.config_file = with_home(v("AWS_CONFIG_FILE").value_or(p.directory + "/config"), v);
    const auto from_environment = v("AWS_PROFILE");
    p.named = !named_profile.empty() || from_environment;
    p.chosen = !named_profile.empty() ? named_profile : from_environment.value_or("default");
    auto config = co_await read_file(p.config_file);
    if (config)
        sort_config(*config, p);
    auto credentials = co_await read_file(p.credentials_file);
    if (credentials) {
        for (auto& [name, s] : read_sections(*credentials))
            p.by_name[name].credentials = std::move(s);
    }
    co_return p;
}

} // namespace potoo::aws
