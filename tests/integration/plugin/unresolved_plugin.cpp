#include <potoo/context.hpp>
#include <potoo/operator.hpp>

int found_in_no_library();

namespace {

potoo::task<potoo::json::value> call(potoo::context&)
{
    co_return potoo::json::value(found_in_no_library());
}

} // namespace

POTOO_OPERATOR("unresolved", call, {.summary = "Calls what is not there."})
