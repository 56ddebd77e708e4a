#include "engine/cli/display/table.hpp"

#include "engine/cli/display/text_width.hpp"

#include <algorithm>
#include <stdexcept>

namespace potoo::cli {

namespace {

constexpr std::size_t gap = 2;

std::string padded(const std::string& text, std::size_t width, table::align side)
{
    const std::string spaces(width - std::min(width, width_of(text)), ' ');
    return side == table::align::left ? text + spaces : spaces + text;
}

} // namespace

void table::add(std::vector<std::string> cells)
{
    if (cells.size() != columns_.size())
        throw std::invalid_argument("a row with another number of cells than the table has columns");
    for (auto& c : cells)
        c = printable(c);
    rows_.push_back(std::move(cells));
}

std::string table::text(std::size_t width, bool utf8) const
{
    std::vector<std::size_t> widths;
    std::vector<std::string> headings;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        headings.push_back(columns_[c].heading);
        widths.push_back(width_of(columns_[c].heading));
        for (const auto& row : rows_)
            widths[c] = std::max(widths[c], width_of(row[c]));
    }
    std::string out;
    const auto put = [&](const std::vector<std::string>& cells) {
        std::string line;
        for (std::size_t c = 0; c < cells.size(); ++c)
            line += (c > 0 ? std::string(gap, ' ') : "") + padded(cells[c], widths[c], columns_[c].side);
        line.erase(line.find_last_not_of(' ') + 1);
        out += (width > 0 ? fit(line, width, utf8) : line) + "\n";
    };
    put(headings);
    for (const auto& row : rows_)
        put(row);
    return out;
}

} // namespace potoo::cli
