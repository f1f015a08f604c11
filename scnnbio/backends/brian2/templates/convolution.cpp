{# USES_VARIABLES { _eventspace } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% macro _tap_loop(length) %}
for (int _k = 0; _k < {{length}}; _k++) {
    const int32_t _tap_idx = _tap0 + _k, _post_idx = _post0 + _k;
    const int32_t _vectorisation_idx = _k;
    {{vector_code|autoindent}}
}
{% endmacro %}
{% block maincode %}
    {# Neurons lie (row, column, channel), taps (in, row, column reversed, out): at stride 1 the run
       over (column, out) is contiguous in the kernel and in the target at once. With groups the
       outputs of one are contiguous, and columns are walked one by one. #}
    {% set ROWS = SX == 1 and OG == O %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _events = get_array_name(eventspace_variable) %}
    const int _count = {{_events}}[_num_eventspace - 1];
    {% set _parallel = shared and openmp_pragma('with_openmp') %}
    {% if _parallel %}
    {# Each thread owns rows of the target: no races, and additions in the order of one thread. #}
    {{openmp_pragma('parallel')}}
    {
    const int _low = {{OH}} * omp_get_thread_num() / omp_get_num_threads();
    const int _high = {{OH}} * (omp_get_thread_num() + 1) / omp_get_num_threads();
    {% endif %}
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _pre_idx = {{_events}}[_e];
        const int _c = _pre_idx % {{C}};
        const int _x = (_pre_idx / {{C}}) % {{W}} + {{PX}}, _y = _pre_idx / {{C * W}} + {{PY}};
        {% if OG != O %}
        const int _o0 = _c / {{CG}} * {{OG}};
        {% endif %}
        {% if ROWS %}
        const int _x0 = _x > {{KW - 1}} ? _x - {{KW - 1}} : 0;
        const int _x1 = _x < {{OW - 1}} ? _x : {{OW - 1}};
        const int _run = (_x1 - _x0 + 1) * {{O}};
        {% endif %}
        for (int _ky = _y % {{SY}}; _ky < {{KH}} && _ky <= _y; _ky += {{SY}}) {
            const int _oy = (_y - _ky) / {{SY}};
            if ({{"_oy < _low || _oy >= _high" if _parallel else "_oy >= " ~ OH}}) continue;
            {% if ROWS %}
            const int32_t _tap0 =
                {{FIRST}} + ((_c * {{KH}} + _ky) * {{KW}} + ({{KW - 1}} - (_x - _x0))) * {{O}};
            const int32_t _post0 = (_oy * {{OW}} + _x0) * {{O}};
            if (_run == {{KW * O}}) {
                {{_tap_loop(KW * O)}}
            } else {
                {{_tap_loop("_run")}}
            }
            {% else %}
            for (int _kx = _x % {{SX}}; _kx < {{KW}} && _kx <= _x; _kx += {{SX}}) {
                const int _ox = (_x - _kx) / {{SX}};
                if (_ox >= {{OW}}) continue;
                const int32_t _tap0 =
                    {{FIRST}} + ((_c * {{KH}} + _ky) * {{KW}} + ({{KW - 1}} - _kx)) * {{OG}};
                const int32_t _post0 = (_oy * {{OW}} + _ox) * {{O}}{% if OG != O %} + _o0{% endif %};
                {{_tap_loop(OG)}}
            }
            {% endif %}
        }
    }
    {% if _parallel %}
    }
    {% endif %}
{% endblock %}
