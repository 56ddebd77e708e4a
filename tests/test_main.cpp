#define BOOST_TEST_MODULE potoo
#include <boost/test/unit_test.hpp>
