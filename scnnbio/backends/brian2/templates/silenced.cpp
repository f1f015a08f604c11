{# USES_VARIABLES { _eventspace, _muted } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    {{get_array_name(eventspace_variable)}}[_num_eventspace - 1] {{ '+=' if counted else '-=' }} {{_muted}}[0];
{% endblock %}
