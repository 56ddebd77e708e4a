/// Every row that is written once tells when it is not what was written.

#include "engine/journal/crc32c.hpp"
#include "engine/journal/sqlite_store.hpp"

#include "samples.hpp"
#include "tampering.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::journal;
using namespace potoo::journal::samples;

namespace {

void write_records(const state_layout& layout)
{
    auto intent = of_item(record_kind::launch_intent, 1, 2, 1, 7);
    intent.name = "jkq3v9z01-7ab2";
    intent.branch = "1.0";
    intent.step = 3;
    open_sqlite_store(layout)->append(
        run_with({of_run(record_kind::run_started, run_number(1)), intent,
                  ended(1, 2, 1, recorded_state::success, 9, R"({"path":"/data/results/final.bam"})")}));
}

} // namespace

BOOST_AUTO_TEST_SUITE(checksum)

BOOST_AUTO_TEST_CASE(it_is_the_crc_that_others_call_crc32c)
{
    for (const auto crc : {crc32c, crc32c_by_table}) {
        BOOST_TEST(crc("123456789", 0) == 0xe3069283U);
        BOOST_TEST(crc(std::string(32, '\0'), 0) == 0x8a9136aaU);
        BOOST_TEST(crc(std::string(32, '\xff'), 0) == 0x62a8ab43U);
        BOOST_TEST(crc("6789", crc("12345", 0)) == 0xe3069283U);
    }
}

BOOST_AUTO_TEST_CASE(a_record_that_was_changed_is_found_when_it_is_read)
{
    for (const auto* change :
         {"seq = 1002", "kind = 14", "state = 9", "task = 2", "task = NULL", "item = 0", "attempt = 2", "step = 4",
          "number = 1", "at = at + 1", "epoch = 4", "branch = '1.1'", "branch = NULL", "name = 'jkq3v9z01-7ab3'",
          "name = '1.0jkq3v9z01-7ab2', branch = NULL", "data = '1'", "checksum = checksum + 1"}) {
        const scratch_dir dir;
        write_records(dir.layout());
        tamper(dir.layout(), "UPDATE journal SET " + std::string(change) + " WHERE seq = 2");
        BOOST_CHECK_EXCEPTION(
            records_of(*open_sqlite_reader(dir.layout()), run_number(1)), store_error,
            says(store_error_kind::corrupt, "of run kq3v9z01abcd (number 1) is not as it was written"));
        BOOST_CHECK_EXCEPTION((void)open_sqlite_store(dir.layout())->tasks(run_number(1)), store_error,
                              says(store_error_kind::corrupt, "restore it whole from a backup"));
    }
}

BOOST_AUTO_TEST_CASE(a_record_without_a_checksum_is_one_of_an_older_potoo)
{
    const scratch_dir dir;
    write_records(dir.layout());
    tamper(dir.layout(), "UPDATE journal SET checksum = NULL");
    BOOST_TEST(records_of(*open_sqlite_reader(dir.layout()), run_number(1)).size() == 3U);
}

BOOST_AUTO_TEST_CASE(parameters_that_were_changed_are_found)
{
    const scratch_dir dir;
    write_records(dir.layout());
    tamper(dir.layout(), "UPDATE run SET params = '{\"cohort\":\"b\"}'");
    BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(dir.layout())->runs({}), store_error,
                          says(store_error_kind::corrupt, "run kq3v9z01abcd (number 1)"));
}

BOOST_AUTO_TEST_CASE(what_may_change_in_a_run_is_not_part_of_its_checksum)
{
    const scratch_dir dir;
    write_records(dir.layout());
    const auto store = open_sqlite_store(dir.layout());
    store->claim(run_number(1), "engine-2");
    batch b;
    b.records = {of_run(record_kind::run_ended, run_number(1), 20, recorded_state::success)};
    store->append(b);
    while (store->maintain()) {}
    BOOST_TEST(store->runs({}).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_dag_that_was_changed_is_found)
{
    for (const auto* change :
         {"UPDATE dag SET source = 'tasks: {a: {}}'", "UPDATE dag SET name = 'x'", "UPDATE dag SET hash = 'no number'",
          "UPDATE dag_task SET name = 'other' WHERE task = 1", "DELETE FROM dag_task WHERE task = 2"}) {
        const scratch_dir dir;
        write_records(dir.layout());
        tamper(dir.layout(), change);
        BOOST_CHECK_EXCEPTION((void)open_sqlite_reader(dir.layout())->dag_of(run_number(1)), store_error,
                              says(store_error_kind::corrupt, "is not as it was written"));
    }
}

BOOST_AUTO_TEST_SUITE_END()
