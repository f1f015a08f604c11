{# USES_VARIABLES { _eventspace, t_in_timesteps } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% macro _tap_loop(length) %}
for (int _k = 0; _k < {{length}}; _k++) {
    const int32_t _tap_idx = _tap0 + _k, _post_idx = _post0 + _k;
    const int32_t _vectorisation_idx = _k;
    {{vector_code|autoindent}}
}
{% endmacro %}
{# Neurons lie (row, column, channel), taps (in, row, column reversed, out): at stride 1 the run
   over (column, out) is contiguous in the kernel and in the target at once. With groups the
   outputs of one are contiguous, and columns are walked one by one. #}
{% set _rows = SX == 1 and OG == O %}
{% set _events = get_array_name(eventspace_variable) %}
{% set _real = c_data_type(variables['w'].dtype) %}
{% set _parallel = shared and openmp_pragma('with_openmp') %}
{% macro _wake(length) %}
{% if sleeper %}
if (asleep_{{sleeper}})
    wake_{{sleeper}}(_post0, _post0 + {{length}} - 1, _now, _push({{get_array_name(variables['w'])}} + _tap0, {{length}}));
{% endif %}
{% endmacro %}
{# All runs of targets that the events reach, in the rows from _low to _high. #}
{% macro _walk(wakes, adds) %}
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _pre_idx = {{_events}}[_e];
        const int _c = _pre_idx % {{C}};
        const int _x = (_pre_idx / {{C}}) % {{W}} + {{PX}}, _y = _pre_idx / {{C * W}} + {{PY}};
        {% if OG != O %}
        const int _o0 = _c / {{CG}} * {{OG}};
        {% endif %}
        {% if _rows %}
        const int _x0 = _x > {{KW - 1}} ? _x - {{KW - 1}} : 0;
        const int _x1 = _x < {{OW - 1}} ? _x : {{OW - 1}};
        const int _run = (_x1 - _x0 + 1) * {{O}};
        {% endif %}
        {# From the last row of targets that the spike reaches to the first. #}
        const int _last_oy = _y / {{SY}} < _high ? _y / {{SY}} : _high - 1;
        for (int _oy = _last_oy, _ky = _y - _oy * {{SY}}; _oy >= _low && _ky < {{KH}}; _oy--, _ky += {{SY}}) {
            {% if _rows %}
            const int32_t _tap0 =
                {{FIRST}} + ((_c * {{KH}} + _ky) * {{KW}} + ({{KW - 1}} - (_x - _x0))) * {{O}};
            const int32_t _post0 = (_oy * {{OW}} + _x0) * {{O}};
            {% if wakes %}
            {{_wake("_run")}}
            {% endif %}
            {% if adds %}
            if (_run == {{KW * O}}) {
                {{_tap_loop(KW * O)}}
            } else {
                {{_tap_loop("_run")}}
            }
            {% endif %}
            {% else %}
            for (int _kx = _x % {{SX}}; _kx < {{KW}} && _kx <= _x; _kx += {{SX}}) {
                const int _ox = (_x - _kx) / {{SX}};
                if (_ox >= {{OW}}) continue;
                const int32_t _tap0 =
                    {{FIRST}} + ((_c * {{KH}} + _ky) * {{KW}} + ({{KW - 1}} - _kx)) * {{OG}};
                const int32_t _post0 = (_oy * {{OW}} + _ox) * {{O}}{% if OG != O %} + _o0{% endif %};
                {% if wakes %}
                {{_wake(OG)}}
                {% endif %}
                {% if adds %}
                {{_tap_loop(OG)}}
                {% endif %}
            }
            {% endif %}
        }
    }
{% endmacro %}
{% block extra_headers %}
{% if gathers %}
#include "gathering.h"
{% endif %}
{% if sleeper %}
#include <cstring>
extern bool asleep_{{sleeper}};
void wake_{{sleeper}}(int _from, int _to, int64_t _now, double _push);
namespace {
    {# How far taps push their targets towards the threshold at most. None is below zero, where numbers
       are in the order of their bits; so a compiler makes vectors of the comparison. #}
    double _push(const {{_real}} *_taps, int _length) {
        typedef {{'int64_t' if _real == 'double' else 'int32_t'}} _Bits;
        const double _least_push = {{push[0]}};
        const double _most_push = {{push[1]}};
        const double _slip = {{slip}};
        _Bits _most = 0;
        for (int _k = 0; _k < _length; _k++) {
            const {{_real}} _low = {{_real}}(_least_push) * _taps[_k], _high = {{_real}}(_most_push) * _taps[_k];
            const {{_real}} _up = _low > _high ? _low : _high, _push = _up > 0 ? _up : 0;
            _Bits _bits;
            std::memcpy(&_bits, &_push, sizeof(_bits));
            _most = _bits > _most ? _bits : _most;
        }
        {{_real}} _far;
        std::memcpy(&_far, &_most, sizeof(_far));
        return _far + _slip;
    }
}
{% endif %}
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const int _count = {{_events}}[_num_eventspace - 1];
    {% if sleeper %}
    const int64_t _now = {{t_in_timesteps}};
    {% endif %}
    {% if gathers %}
    static scnnbio::Gathering<
        {{_real}}, {{'true' if gathers.weighted else 'false'}}, {{'true' if gathers.fixed else 'false'}}, {{C}}, {{H}}, {{W}}, {{O}}, {{OH}}, {{OW}}, {{KH}},
        {{KW}}, {{SY}}, {{SX}}, {{PY}}, {{PX}}, {{FIRST}}> _gathering;
    if ({% if sleeper %}!asleep_{{sleeper}} && {% endif %}_gathering.pays({{get_array_name(variables['w'])}}, {{_events}}, _count)) {
        {{openmp_pragma('parallel')}}
        {
        {% if _parallel %}
        const int _low = {{OH}} * omp_get_thread_num() / omp_get_num_threads();
        const int _high = {{OH}} * (omp_get_thread_num() + 1) / omp_get_num_threads();
        {% else %}
        const int _low = 0, _high = {{OH}};
        {% endif %}
        _gathering.add({{'_weight' if gathers.weighted else '1'}}, {{get_array_name(variables[gathers.state])}}, _low, _high);
        }
    } else {
    {% endif %}
    {% if _parallel %}
    {% if sleeper %}
    {# Neurons are woken by words, which two threads may share: before they start. #}
    {
    const int _low = 0, _high = {{OH}};
    {{_walk(true, false)}}
    }
    {% endif %}
    {# Each thread owns rows of the target: no races, and additions in the order of one thread. #}
    {{openmp_pragma('parallel')}}
    {
    const int _low = {{OH}} * omp_get_thread_num() / omp_get_num_threads();
    const int _high = {{OH}} * (omp_get_thread_num() + 1) / omp_get_num_threads();
    {{_walk(false, true)}}
    }
    {% else %}
    const int _low = 0, _high = {{OH}};
    {{_walk(true, true)}}
    {% endif %}
    {% if gathers %}
    }
    {% endif %}
{% endblock %}
