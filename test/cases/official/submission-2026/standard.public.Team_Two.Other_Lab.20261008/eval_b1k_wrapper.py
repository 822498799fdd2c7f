class Wrapper:
    pass
