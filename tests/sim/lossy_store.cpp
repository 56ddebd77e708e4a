#include "lossy_store.hpp"

namespace potoo::sim {

journal::append_result lossy_store::append(const journal::batch& b)
{
    if (cut_)
        throw journal::store_error(journal::store_error_kind::io, "the engine that writes this is dead");
    if (full_)
        throw journal::store_error(journal::store_error_kind::full, "the simulated disk is full");
    ++commits_;
    // A run that is not there at all would be noticed at once.
    if (lies_ != 0 && b.runs.empty() && commits_ % lies_ == 0)
        return {std::vector<bool>(b.changes.size(), true)};
    auto result = kept_.append(b);
    if (on_durable_)
        on_durable_(b);
    return result;
}

} // namespace potoo::sim
