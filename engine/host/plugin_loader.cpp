#include "engine/host/abi_stamp.hpp"
#include "engine/host/elf_section.hpp"
#include "engine/host/host.hpp"

#include <potoo/operator.hpp>
#include <potoo/plugin.hpp>

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <stdexcept>
#include <string>

namespace potoo::host {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why)
{
    throw std::runtime_error(fmt::format("the plugin {} cannot be loaded: {}", file.native(), why));
}

std::string read_stamp(const std::filesystem::path& file)
{
    try {
        return read_elf_section(file, POTOO_STAMP_SECTION);
    } catch (const elf_error& e) {
        if (e.what_kind() == elf_error::kind::no_section)
            refuse(file, "it is not a potoo plugin, or was built without potoo_add_operators (it carries no stamp)");
        refuse(file, std::string("it ") + e.what());
    }
}

void check_stamp(const std::filesystem::path& file, std::string_view stamp)
{
    const stamp_comparison comparison = compare_stamps(stamp, own_stamp());
    if (!comparison.same())
        refuse(file, explain_mismatch(comparison, own_stamp()));
}

/// Runs the plugin's static initialisers, which register its operators. It stays: coroutines and registered operators
/// point into it until the process ends.
void* open(const std::filesystem::path& file)
{
    // dlopen takes a name without a slash for one to be looked up in the library path.
    void* handle = ::dlopen(std::filesystem::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        const char* why = ::dlerror();
        refuse(file, why ? why : "the dynamic linker gives no reason");
    }
    return handle;
}

/// The file that was checked is the file that was loaded.
void check_loaded(const std::filesystem::path& file, void* handle)
{
    auto* entry = reinterpret_cast<decltype(&potoo_plugin_abi)>(::dlsym(handle, "potoo_plugin_abi"));
    if (!entry)
        refuse(file, "it has no potoo_plugin_abi (was it built without potoo_add_operators?)");
    if (entry() != own_stamp())
        refuse(file, "it was replaced while it was being loaded");
}

std::string what_went_wrong(std::size_t problems_before, std::size_t operators_before)
{
    const std::vector<std::string> problems = operators().problems();
    if (problems.size() > problems_before)
        return fmt::format(
            "{}", fmt::join(problems.begin() + static_cast<std::ptrdiff_t>(problems_before), problems.end(), "; "));
    if (operators().all().size() == operators_before)
        return "it brings no operator: is there a POTOO_OPERATOR in its sources?";
    return {};
}

} // namespace

void load_plugin(const std::filesystem::path& file)
{
    // What was wrong with each library when it was loaded: a second time its initialisers do not run, but it is no
    // better.
    static std::map<void*, std::string> loaded;

    check_stamp(file, read_stamp(file));
    const std::size_t problems_before = operators().problems().size();
    const std::size_t operators_before = operators().all().size();
    void* handle = open(file);
    check_loaded(file, handle);
    const auto [place, is_new] = loaded.try_emplace(handle);
    if (is_new)
        place->second = what_went_wrong(problems_before, operators_before);
    if (!place->second.empty())
        refuse(file, place->second);
}

} // namespace potoo::host
