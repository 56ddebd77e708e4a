#include <potoo/backend.hpp>

namespace potoo {

task<> backend::logs(context&, const job_id&)
{
    co_return;
}

} // namespace potoo
