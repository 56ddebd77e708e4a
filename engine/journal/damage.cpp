#include "engine/journal/damage.hpp"

#include <fmt/format.h>

namespace potoo::journal {

void refuse_damaged(const std::filesystem::path& file, std::string_view found)
{
    throw store_error(store_error_kind::corrupt,
                      fmt::format("the journal '{}' is damaged: {}; {}", file.string(), found, advice_on_damage));
}

} // namespace potoo::journal
