#include <potoo/operator.hpp>

#include "engine/graph/describe_value.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>

namespace potoo {

namespace {

std::vector<std::string> words(std::string_view text)
{
    std::vector<std::string> out;
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        if (text.empty())
            return out;
        const auto end = std::min(text.find(' '), text.size());
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

json::value parse_schema(const std::string& name, std::string_view text)
{
    boost::system::error_code ec;
    auto schema = json::parse(json::string_view(text.data(), text.size()), ec);
    if (ec)
        throw std::invalid_argument("the schema of the operator " + name + " is not JSON: " + ec.message());
    if (!schema.is_object())
        throw std::invalid_argument("the schema of the operator " + name + " is not a JSON object");
    return schema;
}

constexpr auto before = [](const operator_entry* entry, std::string_view name) { return entry->name < name; };

} // namespace

operator_registry::~operator_registry()
{
    for (const auto* entry : entries_)
        delete entry;
}

const operator_entry* operator_registry::find(std::string_view name) const
{
    const auto place = std::lower_bound(entries_.begin(), entries_.end(), name, before);
    return place != entries_.end() && (*place)->name == name ? *place : nullptr;
}

void operator_registry::add(std::string_view name, operator_function run, const operator_details& details)
{
    auto entry = std::make_unique<operator_entry>();
    entry->name = name;
    if (name.empty())
        throw std::invalid_argument("an operator has no name");
    if (find(name))
        throw std::invalid_argument("there are two operators called " + graph::quoted(name));
    entry->run = run;
    entry->summary = details.summary;
    entry->schema = parse_schema(graph::quoted(name), details.schema);
    entry->example = details.example;
    entry->sensor = details.sensor;
    entry->late = words(details.late);
    entry->late_names = words(details.late_names);
    const auto place = entries_.insert(std::lower_bound(entries_.begin(), entries_.end(), name, before), nullptr);
    *place = entry.release();
}

void operator_registry::note_problem(std::string message) noexcept
{
    try {
        problems_.push_back(std::move(message));
    } catch (const std::bad_alloc&) {
        problem_lost_ = true;
    }
}

std::vector<std::string> operator_registry::problems() const
{
    auto all = problems_;
    if (problem_lost_)
        all.emplace_back("an operator could not be registered: out of memory");
    return all;
}

operator_registry& operators()
{
    static operator_registry registry;
    return registry;
}

detail::operator_registration::operator_registration(const char* name, operator_function run,
                                                     const operator_details& details) noexcept
{
    try {
        operators().add(name, run, details);
    } catch (const std::exception& e) {
        operators().note_problem(e.what());
    }
}

} // namespace potoo
