#pragma once
/// @file
/// From records to the attempts of one item.

#include "engine/journal/item_row.hpp"
#include "engine/journal/record.hpp"

#include <map>
#include <vector>

namespace potoo::journal {

/// Folds the records of one item of one run, given in order.
class attempt_fold
{
  public:
    void apply(const record& r);

    [[nodiscard]] std::vector<attempt_row> rows() &&;

  private:
    static void end(attempt_row& row, const record& r);

    std::map<attempt_number, attempt_row> attempts_;
};

} // namespace potoo::journal
