int there_is_no_operator_here = 1;
