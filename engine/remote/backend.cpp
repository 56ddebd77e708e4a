#include <potoo/backend.hpp>

namespace potoo {

task<> backend::logs(context&, const job_id&, job_result&)
{
    co_return;
}

} // namespace potoo
