#include "json_lookup.hpp"

#include <potoo/http_json.hpp>

#include <boost/system/error_code.hpp>

#include <utility>

namespace potoo::kubernetes {

std::optional<json::value> parsed(std::string_view text, json::storage_ptr memory)
{
    json::parse_options options;
    options.max_depth = deepest_json_body;
    boost::system::error_code ec;
    json::value v = json::parse(json::string_view(text.data(), text.size()), ec, std::move(memory), options);
    if (ec)
        return std::nullopt;
    return v;
}

const json::value* find_at(const json::value& v, std::string_view pointer)
{
    boost::system::error_code ec;
    return v.find_pointer(json::string_view(pointer.data(), pointer.size()), ec);
}

std::string_view text_at(const json::value& v, std::string_view pointer)
{
    const json::value* found = find_at(v, pointer);
    const json::string* text = found ? found->if_string() : nullptr;
    return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

const json::array& array_at(const json::value& v, std::string_view pointer)
{
    static const json::array none;
    const json::value* found = find_at(v, pointer);
    const json::array* list = found ? found->if_array() : nullptr;
    return list ? *list : none;
}

} // namespace potoo::kubernetes
