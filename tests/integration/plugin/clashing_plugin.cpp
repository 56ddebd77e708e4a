#include <potoo/context.hpp>
#include <potoo/operator.hpp>

namespace {

potoo::task<potoo::json::value> nothing(potoo::context&)
{
    co_return potoo::json::value();
}

} // namespace

POTOO_OPERATOR("noop", nothing, {.summary = "Takes a name that is taken."})
