{# USES_VARIABLES { _eventspace, _first, _target, t_in_timesteps } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{# The connections of a neuron are those from _first to the next neuron's _first, by target. #}
{% set _events = get_array_name(eventspace_variable) %}
{% set _parallel = shared and openmp_pragma('with_openmp') %}
{% macro _wake() %}
if (asleep_{{sleeper}}) {
    const {{_real}} _low_push = {{_real}}(_least_push) * {{get_array_name(variables['w'])}}[_tap_idx];
    const {{_real}} _high_push = {{_real}}(_greatest_push) * {{get_array_name(variables['w'])}}[_tap_idx];
    const {{_real}} _most_push = _low_push > _high_push ? _low_push : _high_push;
    wake_{{sleeper}}({{_target}}[_tap_idx], {{_target}}[_tap_idx], _now, (_most_push > 0 ? _most_push : 0) + _slip);
}
{% endmacro %}
{% set _real = c_data_type(variables['w'].dtype) %}
{% macro _add() %}
const int32_t _post_idx = {{_target}}[_tap_idx];
const size_t _vectorisation_idx = _tap_idx;
{{vector_code|autoindent}}
{% endmacro %}
{% block extra_headers %}
#include <algorithm>
{% if sleeper %}
extern bool asleep_{{sleeper}};
void wake_{{sleeper}}(int _from, int _to, int64_t _now, double _push);
{% endif %}
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const int _count = {{_events}}[_num_eventspace - 1];
    {% if sleeper %}
    const int64_t _now = {{t_in_timesteps}};
    const double _least_push = {{push[0]}};
    const double _greatest_push = {{push[1]}};
    const double _slip = {{slip}};
    {% endif %}
    {% if _parallel %}
    {% if sleeper %}
    {# Neurons are woken by words, which two threads may share: before they start. #}
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _pre_idx = {{_events}}[_e];
        for (int32_t _tap_idx = {{_first}}[_pre_idx]; _tap_idx < {{_first}}[_pre_idx + 1]; _tap_idx++) {
            {{_wake()}}
        }
    }
    {% endif %}
    {# Each thread owns a range of targets: no races, and additions in the order of one thread. #}
    {{openmp_pragma('parallel')}}
    {
    const int32_t _low = int64_t({{targets}}) * omp_get_thread_num() / omp_get_num_threads();
    const int32_t _high = int64_t({{targets}}) * (omp_get_thread_num() + 1) / omp_get_num_threads();
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _pre_idx = {{_events}}[_e];
        const int32_t _end = {{_first}}[_pre_idx + 1];
        int32_t _tap_idx = std::lower_bound({{_target}} + {{_first}}[_pre_idx], {{_target}} + _end, _low) - {{_target}};
        for (; _tap_idx < _end && {{_target}}[_tap_idx] < _high; _tap_idx++) {
            {{_add()}}
        }
    }
    }
    {% else %}
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _pre_idx = {{_events}}[_e];
        for (int32_t _tap_idx = {{_first}}[_pre_idx]; _tap_idx < {{_first}}[_pre_idx + 1]; _tap_idx++) {
            {% if sleeper %}
            {{_wake()}}
            {% endif %}
            {{_add()}}
        }
    }
    {% endif %}
{% endblock %}
